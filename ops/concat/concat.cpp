#include "ops/concat/concat.h"

#include "ops/pad/pad.h"

namespace sonograd {

Shape Concat::shape(const Shapes& xs) const {
  expect(!xs.empty(), "there is nothing to concatenate");
  Shape y = xs[0];
  const int along = axis < 0 ? axis + y.rank() : axis;
  expect(0 <= along && along < y.rank(), "x0 {} has no axis {}", y.text(), axis);
  for (std::size_t k = 1; k < xs.size(); ++k) {
    bool fits = xs[k].rank() == y.rank();
    for (int a = 0; fits && a < y.rank(); ++a) fits = a == along || xs[k][a] == y[a];
    expect(fits, "x{} {} differs from x0 {} beside axis {}", k, xs[k].text(), xs[0].text(), along);
    y[along] += xs[k][along];
  }
  return y;
}

Tensors Concat::vjp(const Vjp& at) const {
  const int along = axis < 0 ? axis + at.dy().rank() : axis;
  Tensors gradients;
  Int begin = 0;
  for (std::size_t k = 0; k < at.inputs.size(); ++k) {
    const Int end = begin + at.inputs[k].size(along);
    gradients.push_back(at.wanted[k] ? slice(at.dy(), along, begin, end) : Tensor());
    begin = end;
  }
  return gradients;
}

void register_concat(Registry& registry) {
  registry.add<Concat>(
      {.equation = "y = x0, then x1, ... along an axis",
       .linear = {},
       .good = {sample("concat: channels", Concat{}, {uniform({2, 3, 3, 4}), uniform({2, 3, 3, 2})}),
                sample("concat: first axis", Concat{0}, {uniform({1, 3}), uniform({2, 3}), uniform({1, 3})}),
                sample("concat: class token", Concat{1}, {uniform({2, 1, 3}), uniform({2, 4, 3})}),
                sample("concat: one", Concat{}, {uniform({2, 3})})},
       .bad = {refused(Concat{}, {{2, 3}, {3, 3}}, "x1 [3,3] differs from x0 [2,3] beside axis 1"),
               refused(Concat{2}, {{2, 3}}, "x0 [2,3] has no axis 2")}});
}

}  // namespace sonograd
