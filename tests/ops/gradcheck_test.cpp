#include "autograd/gradcheck.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/planted.h"

using namespace sonograd;

TEST_CASE("a failure names the place, both values and their ratio") {
  const Planted op{{2, 3},
                   [](const Lists& x) { return times(x[0], x[0]); },
                   [](const Lists& x, const Values& dy) { return Lists{scaled(-2, times(x[0], dy))}; }};
  const std::string text =
      gradcheck(function_of(op), {Tensor::of({2, 3}, {1, 2, 3, 4, 5, 6}, DType::f64, Device::reference)},
                {.names = {"image"}})
          .text;
  CHECK(text.find("d y[1,2] / d image[1,2]: analytic -12, numeric 12, ratio -1; 6 of 36 entries wrong; "
                  "likely sign") == 0);
}

TEST_CASE("one wrong element among ten thousand is found by random directions and named") {
  for (const double fault : {0.0, 5e-4}) {
    const Planted op{{100, 100},
                     [](const Lists& x) { return times(x[0], times(x[0], x[0])); },
                     [fault](const Lists& x, const Values& dy) {
                       Values dx = scaled(3, times(dy, times(x[0], x[0])));
                       dx[4217] *= 1 + 100 * fault;
                       return Lists{dx};
                     }};
    const GradcheckResult result = gradcheck(function_of(op), random_inputs({{100, 100}}));
    CHECK(result.ok == (fault == 0));
    if (fault > 0) CHECK(result.text.find("x0[42,17]: analytic") != std::string::npos);
    CAPTURE(result.text);
  }
}

TEST_CASE("a factor of 1 + 5e-4 on every element is caught by each single direction") {
  const auto result = [](double factor, int directions) {
    const Planted op{
        {40, 50},
        [](const Lists& x) { return times(x[0], x[0]); },
        [factor](const Lists& x, const Values& dy) { return Lists{scaled(2 * factor, times(x[0], dy))}; }};
    return gradcheck(function_of(op), random_inputs({{40, 50}}), {.directions = directions});
  };
  CHECK(result(1, 4).ok);
  CHECK(result(1 + 5e-4, 1).text.find("factor: it is 1.0005 times") != std::string::npos);
}

namespace {

// Two outputs, x and x²; the faulty one forgets the second cotangent where the first is absent.
struct TwoOutputs {
  static constexpr auto name = "two_outputs";
  static constexpr std::array arguments{"x"};
  static constexpr std::array results{"y", "square"};
  bool faulty = false;
  Shapes shape(const Shape& x) const { return {x, x}; }
  void reference(auto x, auto y, auto square) const {
    for (Int i = 0; i < x.elements(); ++i) {
      y[i] = x[i];
      square[i] = x[i] * x[i];
    }
  }
  Tensors vjp(const Vjp& at) const {
    Values dx(static_cast<std::size_t>(at.x().elements()), 0.0);
    const Values x = at.x().values();
    if (at.dy(0).defined()) dx = at.dy(0).values();
    if (at.dy(1).defined() && !(faulty && !at.dy(0).defined())) {
      const Values d = at.dy(1).values();
      for (std::size_t i = 0; i < dx.size(); ++i) dx[i] += 2 * x[i] * d[i];
    }
    return {Tensor::of(at.x().shape(), dx, DType::f64, Device::reference)};
  }
};

// y = 3 x; the faulty one reads the cotangent as though it were dense.
struct Tripled {
  static constexpr auto name = "tripled";
  static constexpr std::array arguments{"x"};
  bool faulty = false;
  Shape shape(const Shape& x) const { return x; }
  void reference(auto x, auto y) const {
    for (Int i = 0; i < x.elements(); ++i) y[i] = 3 * (faulty ? x.first[i] : x[i]);
  }
  Tensors vjp(const Vjp& at) const {
    return {Tensor::of(at.x().shape(), scaled(3, at.dy().values()), DType::f64, Device::reference)};
  }
};

// z = x · y; the faulty one mixes up its gradients where one alone is wanted.
struct Product {
  static constexpr auto name = "product";
  static constexpr std::array arguments{"x", "y"};
  bool faulty = false;
  Shape shape(const Shape& x, const Shape&) const { return x; }
  void reference(auto x, auto y, auto z) const {
    for (Int i = 0; i < x.elements(); ++i) z[i] = x[i] * y[i];
  }
  Tensors vjp(const Vjp& at) const {
    const bool mix = faulty && !at.wants(0);
    const Values dz = at.dy().values();
    return {Tensor::of(at.x().shape(), times(dz, at.x(1).values()), DType::f64, Device::reference),
            Tensor::of(at.x().shape(), times(dz, at.x(mix ? 1 : 0).values()), DType::f64, Device::reference)};
  }
};

template <class O>
void check_pair(const Shapes& inputs, const std::string& cause) {
  CHECK(gradcheck(function_of(O{}), random_inputs(inputs)).ok);
  const GradcheckResult ill = gradcheck(function_of(O{true}), random_inputs(inputs));
  CHECK(!ill.ok);
  CAPTURE(ill.text);
  CHECK(ill.text.find(cause) != std::string::npos);
}

}  // namespace

TEST_CASE("faults that show with absent cotangents, strided views or a single wanted gradient") {
  check_pair<TwoOutputs>({{4}}, "absent cotangents");
  check_pair<Tripled>({{3, 4}}, "non-contiguous inputs: y0 differs");
  check_pair<Product>({{4}, {4}}, "the gradient of x1 is another one when it alone is wanted");
}

TEST_CASE("f32 is refused unless asked for; a kink is called one") {
  const Tensor x = Tensor::filled({3}, 0.5, DType::f32, Device::reference);
  CHECK_THROWS_WITH_AS(gradcheck(function_of(Tripled{}), {x}), doctest::Contains("input x0 [3] is f32"),
                       Error);
  const Planted kink{{1},
                     [](const Lists& v) { return Values{std::abs(v[0][0] - 1e-9)}; },
                     [](const Lists&, const Values& dy) { return Lists{scaled(-1, dy)}; }};
  const GradcheckResult result =
      gradcheck(function_of(kink), {Tensor::zeros({1}, DType::f64, Device::reference)});
  CHECK(!result.ok);
  CHECK(result.text.find("a kink or a jump") != std::string::npos);
}
