#pragma once
#include "ops/batch_norm/batch_norm.h"
#include "ops/unary/unary.h"

namespace sonograd {

// y[r,c] = a(γ[c]·x̂[r,c] + β[c]),   x̂[r,c] = (x[r,c] − μ[c]) / √(σ²[c] + ε),   μ and σ² given
// Batch norm at inference and in frozen layers, with the activation a in the same pass.
struct BatchNormFrozen {
  static constexpr auto name = "batch_norm_frozen";
  static constexpr std::array arguments{"x", "gamma", "beta", "mean", "variance"};
  static constexpr bool overwrites = true;
  double epsilon = 1e-3;
  Activation activation = Activation::none;

  Shape shape(const Shape& x, const Shape& gamma, const Shape& beta, const Shape& mean,
              const Shape& variance) const {
    const Channels channels = Channels::of(x);
    channels.check("gamma", gamma);
    channels.check("beta", beta);
    channels.check("mean", mean);
    channels.check("variance", variance);
    return x;
  }

  void reference(auto x, auto gamma, auto beta, auto mean, auto variance, auto y) const {
    using T = std::remove_cvref_t<decltype(y[0])>;
    with_activation(activation, [&](auto a) {
      for_each_index(x.shape, [&](const Shape& i) {
        const Int c = i[-1];
        const T normalised = (x(i) - mean(c)) / std::sqrt(variance(c) + static_cast<T>(epsilon));
        y(i) = a.f(Exact{}, gamma(c) * normalised + beta(c));
      });
    });
  }

  // Without an activation dx is linear in dy alone, so that frozen layers let x go.
  bool reads(int input, const std::vector<bool>& wanted) const {
    return input != 0 || activation != Activation::none || wanted[1] || wanted[2] || wanted[4];
  }
  Tensors vjp(const Vjp& at) const;
  Tensor again(const Vjp& at) const { return apply_all(*this, at.inputs)[0]; }
};

// dx = γ/√(σ² + ε) · a′(z)·dy,   z = γ·x̂ + β
struct BatchNormFrozenGradX {
  static constexpr auto name = "batch_norm_frozen_grad_x";
  static constexpr std::array arguments{"x", "gamma", "beta", "mean", "variance", "dy"};
  double epsilon = 1e-3;
  Activation activation = Activation::none;

  Shape shape(const Shape& x, const Shape& gamma, const Shape& beta, const Shape& mean, const Shape& variance,
              const Shape& dy) const {
    expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
    return BatchNormFrozen{}.shape(x, gamma, beta, mean, variance);
  }

  void reference(auto x, auto gamma, auto beta, auto mean, auto variance, auto dy, auto dx) const {
    using T = std::remove_cvref_t<decltype(dx[0])>;
    with_activation(activation, [&](auto a) {
      for_each_index(x.shape, [&](const Shape& i) {
        const Int c = i[-1];
        const T scale = gamma(c) / std::sqrt(variance(c) + static_cast<T>(epsilon));
        dx(i) = scale * a.df(Exact{}, scale * (x(i) - mean(c)) + beta(c)) * dy(i);
      });
    });
  }
};

// dβ[c] = Σ_r dz,   dγ[c] = Σ_r dz·x̂,   dz = a′(z)·dy
struct BatchNormFrozenGradParameters {
  static constexpr auto name = "batch_norm_frozen_grad_parameters";
  static constexpr std::array arguments{"x", "gamma", "beta", "mean", "variance", "dy"};
  static constexpr std::array results{"dgamma", "dbeta"};
  double epsilon = 1e-3;
  Activation activation = Activation::none;

  Shapes shape(const Shape& x, const Shape& gamma, const Shape& beta, const Shape& mean,
               const Shape& variance, const Shape& dy) const {
    BatchNormFrozenGradX{}.shape(x, gamma, beta, mean, variance, dy);
    return {gamma, beta};
  }

  void reference(auto x, auto gamma, auto beta, auto mean, auto variance, auto dy, auto dgamma,
                 auto dbeta) const {
    using T = std::remove_cvref_t<decltype(dgamma[0])>;
    for (Int c = 0; c < gamma.elements(); ++c) dgamma(c) = dbeta(c) = 0;
    with_activation(activation, [&](auto a) {
      for_each_index(x.shape, [&](const Shape& i) {
        const Int c = i[-1];
        const T normalised = (x(i) - mean(c)) / std::sqrt(variance(c) + static_cast<T>(epsilon));
        const T dz = a.df(Exact{}, gamma(c) * normalised + beta(c)) * dy(i);
        dbeta(c) += dz;
        dgamma(c) += dz * normalised;
      });
    });
  }
};

// x enters as x − μ, and σ² scales x̂ alone: dμ = −Σ_r dx,   dσ² = −½·γ·dγ/(σ² + ε).
inline Tensors BatchNormFrozen::vjp(const Vjp& at) const {
  const Tensors inputs{at.x(0), at.x(1), at.x(2), at.x(3), at.x(4), at.dy()};
  const Tensor &gamma = at.x(1), &variance = at.x(4);
  Tensors gradients(5);
  if (at.wants(0) || at.wants(3)) {
    const Tensor dx =
        activation == Activation::none
            ? multiply(at.dy(), divide(gamma, sqrt(add(variance, scalar_like(variance, epsilon)))))
            : apply_all(BatchNormFrozenGradX{epsilon, activation}, inputs)[0];
    if (at.wants(0)) gradients[0] = dx;
    if (at.wants(3)) gradients[3] = multiply(sum_to(dx, gamma.shape()), scalar_like(dx, -1));
  }
  if (at.wants(1) || at.wants(2) || at.wants(4)) {
    const Tensors both = apply_all(BatchNormFrozenGradParameters{epsilon, activation}, inputs);
    if (at.wants(1)) gradients[1] = both[0];
    if (at.wants(2)) gradients[2] = both[1];
    if (at.wants(4))
      gradients[4] = divide(multiply(multiply(gamma, both[0]), scalar_like(gamma, -0.5)),
                            add(variance, scalar_like(variance, epsilon)));
  }
  return gradients;
}

// x [..., C], the others [C]; normalises with the given statistics.
inline Tensor batch_norm_frozen(Tensor x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                                const Tensor& variance, const BatchNormFrozen& attributes = {}) {
  return apply_over(attributes, std::move(x), gamma, beta, mean, variance);
}

}  // namespace sonograd
