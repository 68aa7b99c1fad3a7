#include "explain/class_activation.h"

#include <algorithm>
#include <cmath>

namespace sonograd {
namespace {

// max(0, Σ_k weight(i, k) · A_ik)
template <class Weight>
std::vector<float> weighted_sum(const Activations& a, const Weight& weight) {
  std::vector<float> map(static_cast<std::size_t>(a.positions));
  for (Int i = 0; i < a.positions; ++i) {
    double sum = 0;
    for (Int k = 0; k < a.channels; ++k) sum += weight(i, k) * a.values[i * a.channels + k];
    map[i] = static_cast<float>(std::max(sum, 0.0));
  }
  return map;
}

// Σ_i term(i, k) for each channel
template <class Term>
std::vector<double> over_positions(const Activations& a, const Term& term) {
  std::vector<double> sums(static_cast<std::size_t>(a.channels));
  for (Int i = 0; i < a.positions; ++i)
    for (Int k = 0; k < a.channels; ++k) sums[k] += term(i, k);
  return sums;
}

}  // namespace

std::vector<float> grad_cam_map(const Activations& a) {
  const auto n = static_cast<double>(a.positions);
  const std::vector<double> weights =
      over_positions(a, [&](Int i, Int k) { return a.gradient[i * a.channels + k] / n; });
  return weighted_sum(a, [&](Int, Int k) { return weights[k]; });
}

std::vector<float> notebook_cam_map(Activations a) {
  double square = 0;
  for (const double g : a.gradient) square += g * g / static_cast<double>(a.gradient.size());
  for (double& g : a.gradient) g /= square + 1e-5;
  return grad_cam_map(a);
}

std::vector<float> grad_cam_pp_map(const Activations& a) {
  const std::vector<double> total =
      over_positions(a, [&](Int i, Int k) { return a.values[i * a.channels + k]; });
  const std::vector<double> weights = over_positions(a, [&](Int i, Int k) {
    const double g = a.gradient[i * a.channels + k];
    const double below = 2 * g * g + g * g * g * total[k];
    return g > 0 && below != 0 ? g * g / below * g : 0.0;
  });
  return weighted_sum(a, [&](Int, Int k) { return weights[k]; });
}

std::vector<float> hi_res_cam_map(const Activations& a) {
  return weighted_sum(a, [&](Int i, Int k) { return a.gradient[i * a.channels + k]; });
}

std::vector<float> layer_cam_map(const Activations& a) {
  return weighted_sum(a, [&](Int i, Int k) { return std::max(a.gradient[i * a.channels + k], 0.0); });
}

}  // namespace sonograd
