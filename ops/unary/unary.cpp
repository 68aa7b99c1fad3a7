#include "ops/unary/unary.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

Input smooth_points(Domain domain, const Shape& shape) {
  if (domain == Domain::off_zero) return away_from(shape, 0);
  if (domain == Domain::positive) return uniform(shape, 0.25, 4);
  return uniform(shape, -4, 4);
}

Input special_points(Domain domain, const Shape& shape) {
  Input input = special_values(shape);
  for (double& x : input.exact) {
    if (domain == Domain::below_80 && x > 80) x = 80;
    if (domain == Domain::positive && x <= 0) x = 3e8;
  }
  return input;
}

template <class F>
void add_function(Registry& registry) {
  const std::string name = F::name;
  const auto points = [](Shape shape) { return smooth_points(F::domain, shape); };
  const auto special = [](Shape shape) { return special_points(F::domain, shape); };
  registry.add<Unary<F>>({.equation = F::equation,
                          .linear = {},
                          .good = {sample(name + ": odd sizes", Unary<F>{}, {points({3, 5, 7})}),
                                   sample(name + ": one element", Unary<F>{}, {points({1})}),
                                   sample(name + ": scalar", Unary<F>{}, {points({})}),
                                   values_only(name + ": special values", Unary<F>{}, {special({4, 6})}),
                                   values_only(name + ": many elements", Unary<F>{}, {points({37, 1001})}),
                                   values_only(name + ": no elements", Unary<F>{}, {points({0, 3})})},
                          .bad = {refused(Unary<F>{}, {{2}, {2}}, "takes 1 inputs, got 2")}});
  registry.add<UnaryGrad<F>>(
      {.equation = "dx = dy * f'(x), f = " + name,
       .linear = {0},
       .good = {sample(name + "_grad: odd sizes", UnaryGrad<F>{}, {uniform({3, 5}), points({3, 5})}),
                sample(name + "_grad: one element", UnaryGrad<F>{}, {uniform({1}), points({1})}),
                values_only(name + "_grad: special values", UnaryGrad<F>{},
                            {uniform({4, 6}), special({4, 6})}),
                values_only(name + "_grad: many elements", UnaryGrad<F>{},
                            {uniform({37, 1001}), points({37, 1001})})},
       .bad = {refused(UnaryGrad<F>{}, {{2, 3}, {3}}, "dy [2,3] and x [3] differ")}});
  if constexpr (detail::Curved<F>)
    registry.add<UnaryCurvature<F>>(
        {.equation = "z = dy * f''(x), f = " + name,
         .linear = {0},
         .good = {values_only(name + "_curvature: odd sizes", UnaryCurvature<F>{},
                              {uniform({3, 5}), points({3, 5})})},
         .bad = {refused(UnaryCurvature<F>{}, {{2, 3}, {3}}, "dy [2,3] and x [3] differ")}});
}

}  // namespace

void register_unary(Registry& registry) {
  [&]<class... F>(std::tuple<F...>*) {
    (add_function<F>(registry), ...);
  }(static_cast<UnaryFunctions*>(nullptr));
}

Tensor activate(const Tensor& x, Activation activation) {
  return with_activation(activation, [&](auto function) {
    if constexpr (std::is_same_v<decltype(function), Identity>)
      return x;
    else
      return apply(Unary<decltype(function)>{function}, x);
  });
}

}  // namespace sonograd
