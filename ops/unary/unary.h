#pragma once
#include "ops/binary/binary.h"
#include "ops/unary/functions.h"

namespace sonograd {

namespace detail {
template <class F>
concept Curved = requires(const F& function) {
  function.d2f(Exact{}, 1.0);
};

constexpr std::array<char, 32> join(std::string_view name, std::string_view suffix) {
  std::array<char, 32> text{};
  std::size_t n = 0;
  for (const char c : name) text[n++] = c;
  for (const char c : suffix) text[n++] = c;
  return text;
}
}  // namespace detail

// z[i] = dy[i] · f″(x[i])
template <class F>
struct UnaryCurvature {
  static constexpr auto text = detail::join(F::name, "_curvature");
  static constexpr std::string_view name = text.data();
  static constexpr std::array arguments{"dy", "x"};
  F function;

  Shape shape(const Shape& dy, const Shape& x) const {
    expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
    return x;
  }
  void reference(auto dy, auto x, auto z) const {
    for (Int i = 0; i < x.elements(); ++i) z[i] = dy[i] * function.d2f(Exact{}, x[i]);
  }
};

// dx[i] = dy[i] · f′(x[i])
template <class F>
struct UnaryGrad {
  static constexpr auto text = detail::join(F::name, "_grad");
  static constexpr std::string_view name = text.data();
  static constexpr std::array arguments{"dy", "x"};
  F function;

  Shape shape(const Shape& dy, const Shape& x) const {
    expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
    return x;
  }
  void reference(auto dy, auto x, auto dx) const {
    for (Int i = 0; i < x.elements(); ++i) dx[i] = dy[i] * function.df(Exact{}, x[i]);
  }

  Tensors vjp(const Vjp& at) const {
    const Tensor &dy = at.x(0), &x = at.x(1), &g = at.dy();
    Tensors gradients(2);
    if (at.wants(0)) gradients[0] = apply(UnaryGrad{function}, g, x);
    if (at.wants(1)) {
      if constexpr (detail::Curved<F>)
        gradients[1] = multiply(g, apply(UnaryCurvature<F>{function}, dy, x));
      else
        gradients[1] = Tensor::zeros(x.shape(), x.dtype(), x.device());
    }
    return gradients;
  }
};

// y[i] = f(x[i])
template <class F>
struct Unary {
  static constexpr auto name = F::name;
  static constexpr std::array arguments{"x"};
  F function;

  Shape shape(const Shape& x) const { return x; }
  void reference(auto x, auto y) const {
    for (Int i = 0; i < x.elements(); ++i) y[i] = function.f(Exact{}, x[i]);
  }
  Tensors vjp(const Vjp& at) const { return {apply(UnaryGrad<F>{function}, at.dy(), at.x())}; }
  Tensor again(const Vjp& at) const { return apply(*this, at.x()); }
};

inline Tensor relu(const Tensor& x) {
  return apply(Unary<ReluFunction>{}, x);
}
inline Tensor leaky_relu(const Tensor& x, double slope = 0.2) {
  return apply(Unary<LeakyReluFunction>{{slope}}, x);
}
inline Tensor sigmoid(const Tensor& x) {
  return apply(Unary<SigmoidFunction>{}, x);
}
inline Tensor swish(const Tensor& x) {
  return apply(Unary<SwishFunction>{}, x);
}
inline Tensor gelu(const Tensor& x) {
  return apply(Unary<GeluFunction>{}, x);
}
inline Tensor tanh(const Tensor& x) {
  return apply(Unary<TanhFunction>{}, x);
}
inline Tensor exp(const Tensor& x) {
  return apply(Unary<ExpFunction>{}, x);
}
inline Tensor log(const Tensor& x) {
  return apply(Unary<LogFunction>{}, x);
}
inline Tensor sqrt(const Tensor& x) {
  return apply(Unary<SqrtFunction>{}, x);
}
inline Tensor square(const Tensor& x) {
  return apply(Unary<SquareFunction>{}, x);
}
inline Tensor negate(const Tensor& x) {
  return apply(Unary<NegateFunction>{}, x);
}
inline Tensor abs(const Tensor& x) {
  return apply(Unary<AbsFunction>{}, x);
}

// The activation as an op of its own: the unfused twin of every fused op.
Tensor activate(const Tensor& x, Activation activation);

}  // namespace sonograd
