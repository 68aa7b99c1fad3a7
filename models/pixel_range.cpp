#include "models/pixel_range.h"

#include <algorithm>
#include <cmath>

#include "models/zoo.h"

namespace sonograd {
namespace {

// Preprocessed pixels deviate by about 1, and by 2 at the very most; raw ones of any picture by tens.
constexpr double largest_preprocessed_deviation = 3;

bool ends_with(const std::string& name, std::string_view end) {
  return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
}

bool all_equal(const std::vector<double>& values, double value) {
  return std::all_of(values.begin(), values.end(), [&](double v) { return v == value; });
}

}  // namespace

std::optional<double> least_pixel_deviation(const Model& model) {
  const auto parameters = model.parameters();
  if (parameters.size() < 5) return {};
  const auto& [kernel, mean, variance] = std::tie(parameters[0], parameters[3], parameters[4]);
  const Shape& shape = kernel.parameter->shape;  // [height, width, 3, filters]
  if (shape.rank() != 4 || shape[2] != 3 || !ends_with(mean.name, ".moving_mean") ||
      !ends_with(variance.name, ".moving_variance"))
    return {};
  const std::vector<double> variances = variance.parameter->value.values();
  if (all_equal(variances, 1) && all_equal(mean.parameter->value.values(), 0)) return {};
  std::vector<double> gains(variances.size());  // sum |w| of each filter
  const std::vector<double> weights = kernel.parameter->value.values();
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
