#pragma once
#include <cmath>

#include "ops/binary/binary.h"
#include "ops/unary/functions.h"

namespace sonograd {

// x [..., C] and one value of each parameter per channel. Axes before the last are `rows`.
struct Channels {
  Int rows, count;

  static Channels of(const Shape& x) {
    expect(x.rank() >= 1 && x[-1] > 0, "x {} has no channels", x.text());
    return {x.elements() / x[-1], x[-1]};
  }
  void check(std::string_view name, const Shape& parameter) const {
    expect(parameter == Shape{count}, "{} {} does not hold one value for each of the {} channels of x", name,
           parameter.text(), count);
  }
};

// y[r,c] = a(γ[c]·x̂[r,c] + β[c]),   x̂[r,c] = (x[r,c] − μ[c]) / √(σ²[c] + ε)
// μ[c] = Σ_r x[r,c] / n,   σ²[c] = Σ_r (x[r,c] − μ[c])² / n
// Ioffe & Szegedy 2015, algorithm 1, with the activation a in the same pass. r runs over all axes but the
// last, n is their number of elements. μ and σ² (biased) are results too, for the moving statistics.
struct BatchNormTrain {
  static constexpr auto name = "batch_norm_train";
  static constexpr std::array arguments{"x", "gamma", "beta"};
  static constexpr std::array results{"y", "mean", "variance"};
  static constexpr Saves saves{.outputs = {false, true, true}};
  double epsilon = 1e-3;
  Activation activation = Activation::none;

  Shapes shape(const Shape& x, const Shape& gamma, const Shape& beta) const {
    const Channels channels = Channels::of(x);
    channels.check("gamma", gamma);
    channels.check("beta", beta);
    expect(channels.rows > 0, "batch statistics need at least one row");
    return {x, gamma, gamma};
  }

  void reference(auto x, auto gamma, auto beta, auto y, auto mean, auto variance) const {
    using T = std::remove_cvref_t<decltype(y[0])>;
    const Int rows = x.elements() / gamma.elements();
    const T n = static_cast<T>(rows);
    for (Int c = 0; c < gamma.elements(); ++c) mean(c) = variance(c) = 0;
    for_each_index(x.shape, [&](const Shape& i) { mean(i[-1]) += x(i) / n; });
    for_each_index(x.shape, [&](const Shape& i) {
      const T centred = x(i) - mean(i[-1]);
      variance(i[-1]) += centred * centred / n;
    });
    with_activation(activation, [&](auto a) {
      for_each_index(x.shape, [&](const Shape& i) {
        const Int c = i[-1];
        const T normalised = (x(i) - mean(c)) / std::sqrt(variance(c) + static_cast<T>(epsilon));
        y(i) = a.f(Exact{}, gamma(c) * normalised + beta(c));
      });
    });
  }

  Tensors vjp(const Vjp& at) const;
  Tensor again(const Vjp& at) const;  // by the statistics that it gave
};

// dz = a′(z)·dy with z = γ·x̂ + β, computed again from x
// dβ[c] = Σ_r dz,   dγ[c] = Σ_r dz·x̂,   dx = γ/√(σ² + ε) · (dz − dβ/n − x̂·dγ/n)
struct BatchNormTrainGrad {
  static constexpr auto name = "batch_norm_train_grad";
  static constexpr std::array arguments{"x", "gamma", "beta", "mean", "variance", "dy"};
  static constexpr std::array results{"dx", "dgamma", "dbeta"};
  double epsilon = 1e-3;
  Activation activation = Activation::none;

  Shapes shape(const Shape& x, const Shape& gamma, const Shape& beta, const Shape& mean,
               const Shape& variance, const Shape& dy) const {
    const Channels channels = Channels::of(x);
    channels.check("gamma", gamma);
    channels.check("beta", beta);
    channels.check("mean", mean);
    channels.check("variance", variance);
    expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
    return {x, gamma, gamma};
  }

  void reference(auto x, auto gamma, auto beta, auto mean, auto variance, auto dy, auto dx, auto dgamma,
                 auto dbeta) const {
    using T = std::remove_cvref_t<decltype(dx[0])>;
    const Int rows = x.elements() / gamma.elements();
    const T n = static_cast<T>(rows);
    const auto deviation = [&](Int c) { return std::sqrt(variance(c) + static_cast<T>(epsilon)); };
    const auto normalised = [&](const Shape& i) { return (x(i) - mean(i[-1])) / deviation(i[-1]); };
    for (Int c = 0; c < gamma.elements(); ++c) dgamma(c) = dbeta(c) = 0;
    with_activation(activation, [&](auto a) {
      const auto dz = [&](const Shape& i) {
        return a.df(Exact{}, gamma(i[-1]) * normalised(i) + beta(i[-1])) * dy(i);
      };
      for_each_index(x.shape, [&](const Shape& i) {
        dbeta(i[-1]) += dz(i);
        dgamma(i[-1]) += dz(i) * normalised(i);
      });
      for_each_index(x.shape, [&](const Shape& i) {
        const Int c = i[-1];
        dx(i) = gamma(c) / deviation(c) * (dz(i) - dbeta(c) / n - normalised(i) * dgamma(c) / n);
      });
    });
  }
};

// The loss may depend on the statistics themselves: dx += dμ/n + 2·(x − μ)·dσ²/n.
inline Tensors BatchNormTrain::vjp(const Vjp& at) const {
  const Tensor &x = at.x(0), &gamma = at.x(1), &beta = at.x(2), &mean = at.y(1), &variance = at.y(2);
  Tensors gradients{Tensor(), Tensor(), Tensor()};
  if (at.dy(0).defined()) {
    gradients =
        apply_all(BatchNormTrainGrad{epsilon, activation}, {x, gamma, beta, mean, variance, at.dy(0)});
  } else {
    for (int i = 0; i < 3; ++i)
      gradients[static_cast<std::size_t>(i)] = Tensor::zeros(at.x(i).shape(), x.dtype(), x.device());
  }
  const Int rows = x.elements() / gamma.elements();
  const auto n = static_cast<double>(rows);
  const auto add_to_dx = [&](const Tensor& term) { gradients[0] = add(gradients[0], term); };
  if (at.dy(1).defined() && at.wants(0)) add_to_dx(multiply(at.dy(1), scalar_like(x, 1 / n)));
  if (at.dy(2).defined() && at.wants(0))
    add_to_dx(multiply(subtract(x, mean), multiply(at.dy(2), scalar_like(x, 2 / n))));
  for (int i = 0; i < 3; ++i)
    if (!at.wants(i)) gradients[static_cast<std::size_t>(i)] = Tensor();
  return gradients;
}

struct Normalised {
  Tensor y, mean, variance;  // of x's shape, [C], [C]
};

// x [..., C], gamma and beta [C]; normalises with the statistics of x itself.
inline Normalised batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                   const BatchNormTrain& attributes = {}) {
  const Tensors all = apply_all(attributes, {x, gamma, beta});
  return {all[0], all[1], all[2]};
}

}  // namespace sonograd
