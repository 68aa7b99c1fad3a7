#pragma once
#include "autograd/apply.h"
#include "layers/layer.h"
#include "ops/binary/binary.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/reshape/reshape.h"
#include "ops/unary/unary.h"

namespace sonograd {

// The spectral norm of a kernel, seen as a matrix M [inputs, outputs], by one power iteration from u:
//
//   v = M u / |M u|,   u' = Mᵀ v / |Mᵀ v|,   σ = vᵀ M u'
//
// σ's gradient takes u' and v as constants: dσ/dM = v u'ᵀ. Miyato, Kataoka, Koyama & Yoshida 2018, "Spectral
// normalization for generative adversarial networks", algorithm 1.
struct SpectralEstimate {
  Tensor sigma;  // [1, 1]
  Tensor u;      // u' [outputs, 1]
};

inline SpectralEstimate spectral_estimate(const Tensor& kernel, const Tensor& u) {
  const Tensor matrix = reshape(kernel, {kernel.elements() / kernel.size(-1), kernel.size(-1)});
  Tensor left, right;
  {
    const NoGrad constants;
    const auto unit = [](const Tensor& x) {
      return divide(x, add(sqrt(sum(square(x), {0, 1}, true)), scalar_like(x, 1e-12)));
    };
    left = unit(matmul(matrix, u));
    right = unit(matmul(matrix, left, {.transpose_x = true}));
  }
  return {matmul(matmul(left, matrix, {.transpose_x = true}), right), right};
}

// A layer whose kernel is divided by an estimate of its spectral norm. u is kept from step to step as a
// statistic; in training its next value is asked for as an update, as a batch norm asks for its averages.
template <class L>
struct SpectralNorm {
  static constexpr auto kind = "SpectralNorm";
  L layer;
  Parameter u;

  explicit SpectralNorm(L normalised) : layer(std::move(normalised)) {
    u = {{layer.kernel.shape[-1], 1}, {Init::Kind::normal, 1}, Parameter::Role::statistic};
  }

  Tensor operator()(const Tensor& x, Context& context) const {
    const SpectralEstimate estimate = spectral_estimate(layer.kernel.value, u.value);
    if (context.training)
      context.updates.push_back({.moving = u.value, .batch = estimate.u, .momentum = 0, .factor = 1});
    L scaled = layer;
    const Tensor sigma = reshape(estimate.sigma, {});  // of a kernel of zeros 0
    scaled.kernel.value = divide(layer.kernel.value, add(sigma, scalar_like(sigma, 1e-12)));
    return scaled(x, context);
  }
  void visit(const Visit& visit) {
    layer.visit(visit);
    visit("u", u);
  }
};

}  // namespace sonograd
