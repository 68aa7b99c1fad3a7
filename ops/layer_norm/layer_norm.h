#pragma once
#include <cmath>

#include "autograd/apply.h"

namespace sonograd {

// y[r,c] = γ[c]·x̂[r,c] + β[c],   x̂[r,c] = (x[r,c] − μ[r]) / √(σ²[r] + ε)
// μ[r] = Σ_c x[r,c] / C,   σ²[r] = Σ_c (x[r,c] − μ[r])² / C
// Ba, Kiros & Hinton 2016: each row has its own statistics, r runs over all axes but the last.
struct LayerNorm {
  static constexpr auto name = "layer_norm";
  static constexpr std::array arguments{"x", "gamma", "beta"};
  double epsilon = 1e-6;

  Shape shape(const Shape& x, const Shape& gamma, const Shape& beta) const {
    check(x, gamma);
    expect(beta == gamma, "beta {} and gamma {} differ", beta.text(), gamma.text());
    return x;
  }
  static void check(const Shape& x, const Shape& gamma) {
    expect(x.rank() >= 1 && x[-1] > 0, "x {} has no last axis to normalise over", x.text());
    expect(gamma == Shape{x[-1]}, "gamma {} does not hold one value for each of the {} columns of x",
           gamma.text(), x[-1]);
  }

  // μ and 1/√(σ² + ε) of the row that starts at element `first`
  auto statistics(auto x, Int first, Int columns) const {
    using T = std::remove_cvref_t<decltype(x[0])>;
    const T n = static_cast<T>(columns);
    T sum = 0, squares = 0;
    for (Int c = 0; c < columns; ++c) sum += x[first + c];
    for (Int c = 0; c < columns; ++c) squares += (x[first + c] - sum / n) * (x[first + c] - sum / n);
    return std::pair<T, T>(sum / n, 1 / std::sqrt(squares / n + static_cast<T>(epsilon)));
  }

  void reference(auto x, auto gamma, auto beta, auto y) const {
    const Int columns = gamma.elements();
    for (Int first = 0; first < x.elements(); first += columns) {
      const auto row = statistics(x, first, columns);
      for (Int c = 0; c < columns; ++c)
        y[first + c] = gamma[c] * ((x[first + c] - row.first) * row.second) + beta[c];
    }
  }

  Tensors vjp(const Vjp& at) const;
  Tensor again(const Vjp& at) const { return apply(*this, at.x(0), at.x(1), at.x(2)); }
};

// dβ[c] = Σ_r dy[r,c],   dγ[c] = Σ_r dy·x̂,   with g = γ·dy and the means over c of the row
// dx[r,c] = (g − mean(g) − x̂·mean(g·x̂)) / √(σ² + ε);   μ and σ² are computed again from x
struct LayerNormGrad {
  static constexpr auto name = "layer_norm_grad";
  static constexpr std::array arguments{"x", "gamma", "dy"};
  static constexpr std::array results{"dx", "dgamma", "dbeta"};
  double epsilon = 1e-6;

  Shapes shape(const Shape& x, const Shape& gamma, const Shape& dy) const {
    LayerNorm::check(x, gamma);
    expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
    return {x, gamma, gamma};
  }

  void reference(auto x, auto gamma, auto dy, auto dx, auto dgamma, auto dbeta) const {
    using T = std::remove_cvref_t<decltype(dx[0])>;
    const Int columns = gamma.elements();
    for (Int c = 0; c < columns; ++c) dgamma[c] = dbeta[c] = 0;
    for (Int first = 0; first < x.elements(); first += columns) {
      const auto row = LayerNorm{epsilon}.statistics(x, first, columns);
      const auto normalised = [&](Int c) { return (x[first + c] - row.first) * row.second; };
      T mean = 0, along = 0;
      for (Int c = 0; c < columns; ++c) {
        const T g = gamma[c] * dy[first + c];
        mean += g / static_cast<T>(columns);
        along += g * normalised(c) / static_cast<T>(columns);
        dbeta[c] += dy[first + c];
        dgamma[c] += dy[first + c] * normalised(c);
      }
      for (Int c = 0; c < columns; ++c)
        dx[first + c] = row.second * (gamma[c] * dy[first + c] - mean - normalised(c) * along);
    }
  }
};

inline Tensors LayerNorm::vjp(const Vjp& at) const {
  return apply_all(LayerNormGrad{epsilon}, {at.x(0), at.x(1), at.dy()});
}

// x [..., C], gamma and beta [C]; normalises each row of the last axis.
inline Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                         const LayerNorm& attributes = {}) {
  return apply(attributes, x, gamma, beta);
}

}  // namespace sonograd
