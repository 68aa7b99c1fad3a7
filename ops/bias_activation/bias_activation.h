#pragma once
#include "ops/unary/unary.h"

namespace sonograd {

// dx[r,c] = dy[r,c] · f′(x[r,c] + b[c]),   db[c] = Σ_r dx[r,c]
struct BiasActivationGrad {
  static constexpr auto name = "bias_activation_grad";
  static constexpr std::array arguments{"dy", "x", "b"};
  static constexpr std::array results{"dx", "db"};
  Activation activation = Activation::none;

  Shapes shape(const Shape& dy, const Shape& x, const Shape& b) const;
  void reference(auto dy, auto x, auto b, auto dx, auto db) const {
    for (Int c = 0; c < b.elements(); ++c) db(c) = 0;
    with_activation(activation, [&](auto function) {
      for_each_index(x.shape, [&](const Shape& i) {
        const Int c = i[-1];
        dx(i) = dy(i) * function.df(Exact{}, x(i) + b(c));
        db(c) += dx(i);
      });
    });
  }
  Tensors vjp(const Vjp& at) const;
};

// y[r,c] = f(x[r,c] + b[c]),   f an activation, c the last axis
struct BiasActivation {
  static constexpr auto name = "bias_activation";
  static constexpr bool overwrites = true;
  static constexpr std::array arguments{"x", "b"};
  Activation activation = Activation::none;

  Shape shape(const Shape& x, const Shape& b) const {
    expect(x.rank() >= 1 && b == Shape{x[-1]}, "b {} is not one number for each of the last axis of x {}",
           b.text(), x.text());
    return x;
  }
  void reference(auto x, auto b, auto y) const {
    with_activation(activation, [&](auto function) {
      for_each_index(x.shape, [&](const Shape& i) { y(i) = function.f(Exact{}, x(i) + b(i[-1])); });
    });
  }
  // The gradient of a bias alone is dy and its sum: x and b can go.
  bool reads(int, const std::vector<bool>&) const { return activation != Activation::none; }
  Tensors vjp(const Vjp& at) const {
    if (activation == Activation::none)
      return {at.dy(), at.wants(1) ? sum_to(at.dy(), at.x(1).shape()) : Tensor()};
    return apply_all(BiasActivationGrad{activation}, {at.dy(), at.x(0), at.x(1)});
  }
  Tensor again(const Vjp& at) const { return apply(*this, at.x(0), at.x(1)); }
};

inline Shapes BiasActivationGrad::shape(const Shape& dy, const Shape& x, const Shape& b) const {
  expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
  return {BiasActivation{activation}.shape(x, b), b};
}

// With z = x + b, and g the cotangent of dx and db together: ḡ_dy = g·f′(z), and what bends, g·dy·f″(z), goes
// to x and, summed over the rows, to b.
inline Tensors BiasActivationGrad::vjp(const Vjp& at) const {
  const Tensor &dy = at.x(0), &x = at.x(1), &b = at.x(2);
  Tensor g = at.cotangents[0];
  if (at.cotangents[1].defined())
    g = g.defined() ? add(g, at.cotangents[1]) : broadcast_to(at.cotangents[1], x.shape());
  const Tensor z = add(x, b);
  return with_activation(activation, [&](auto function) {
    using F = decltype(function);
    Tensors gradients(3);
    if (at.wants(0)) {
      if constexpr (std::is_same_v<F, Identity>)
        gradients[0] = g;
      else
        gradients[0] = apply(UnaryGrad<F>{function}, g, z);
    }
    if (at.wants(1) || at.wants(2)) {
      Tensor bend = Tensor::zeros(x.shape(), x.dtype(), x.device());
      if constexpr (detail::Curved<F>) bend = multiply(g, apply(UnaryCurvature<F>{function}, dy, z));
      if (at.wants(1)) gradients[1] = bend;
      if (at.wants(2)) gradients[2] = sum_to(bend, b.shape());
    }
    return gradients;
  });
}

// f(x + b) in one pass; the same as activate(add(x, b), f).
inline Tensor bias_activation(Tensor x, const Tensor& b, Activation activation = Activation::none) {
  return apply_over(BiasActivation{activation}, std::move(x), b);
}

}  // namespace sonograd
