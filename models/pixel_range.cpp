#include "models/pixel_range.h"

#include <algorithm>
#include <cmath>

#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "models/zoo.h"

namespace sonograd {
namespace {

// Preprocessed pixels deviate by about 1, and by 2 at the very most; raw ones of any picture by tens.
constexpr double largest_preprocessed_deviation = 3;

bool all_equal(const std::vector<double>& values, double value) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == value; });
}

}  // namespace

std::optional<double> least_pixel_deviation(const Model& model) {
  const auto* const base = model.base().get_if<Chain>();
  if (!base || base->layers().size() < 2) return {};
  const auto* const conv = base->layers()[0].layer.get_if<Conv>();
  const auto* const norm = base->layers()[1].layer.get_if<BatchNorm>();
  if (!conv || !norm) return {};
  const std::vector<double> variances = norm->moving_variance.value.values();
  if (all_equal(variances, 1) && all_equal(norm->moving_mean.value.values(), 0)) return {};
  std::vector<double> gains(variances.size());                      // sum |w| of each filter
  const std::vector<double> weights = conv->kernel.value.values();  // [height, width, 3, filters]
  for (std::size_t i = 0; i < weights.size(); ++i) gains[i % gains.size()] += std::abs(weights[i]);
  double least = 0;
  for (std::size_t f = 0; f < gains.size(); ++f)
    if (gains[f] > 0) least = std::max(least, std::sqrt(variances[f]) / gains[f]);
  return least;
}

std::optional<Preprocess> trained_with(const Model& model, const Facts& facts, Filled filled) {
  const auto fact = facts.find("preprocess");
  if (fact != facts.end()) return preprocess_named(fact->second);
  const Preprocess official = zoo_entry(model.options().name).weights;
  if (const auto deviation = least_pixel_deviation(model))
    return *deviation > largest_preprocessed_deviation ? Preprocess::raw : official;
  if (filled == Filled::base) return official;
  return {};
}

}  // namespace sonograd
