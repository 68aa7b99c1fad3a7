#include "tests/models/formula.h"

#include <cmath>
#include <cstdlib>
#include <map>

#include "base/file.h"
#include "models/zoo.h"
#include "tests/golden/formula.h"

namespace sonograd::golden {
namespace {

// ImageNet's mean and standard deviation; the plain form keeps 0 and 1.
std::vector<double> input_statistic(const std::string& name, bool plain) {
  if (name == "normalization.count") return {0};
  const bool mean = name == "normalization.mean";
  if (plain) return std::vector<double>(3, mean ? 0 : 1);
  return mean ? std::vector<double>{0.485f, 0.456f, 0.406f} : std::vector<double>{0.229f, 0.224f, 0.225f};
}

}  // namespace

std::vector<double> formula_weight(std::uint32_t index, const std::string& kind, double fan_in, Int count,
                                   double gain) {
  double scale = 0.2, shift = -0.1;
  if (kind == "positive") scale = 1, shift = 0.5;
  if (kind == "kernel") {
    const double limit = std::sqrt(3 * gain / fan_in);
    scale = 2 * limit, shift = -limit;
  }
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (Int i = 0; i < count; ++i)
    values.push_back(static_cast<float>(shift + scale * draw(index, static_cast<std::uint32_t>(i))));
  return values;
}

const json& golden_model(const std::string& name) {
  static std::map<std::string, json> files;
  const auto [at, fresh] = files.try_emplace(name);
  if (fresh) at->second = json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/" + name + ".json"));
  return at->second;
}

bool full() {
  return std::getenv("SONOGRAD_FULL") != nullptr;
}

Model formula_model(const json& golden, const json& facts, DType dtype, Device device) {
  const bool plain = facts.value("form", "imagenet") == "plain";
  Model model =
      make_model({.name = golden["model"],
                  .image_size = facts["size"],
                  .input = plain ? InputForm::plain : InputForm::imagenet,
                  .pooling = facts.value("pooling", "average") == "max" ? Pooling::max : Pooling::average});
  const auto parameters = model.parameters();
  const json& rows = golden["parameters"];
  expect(rows.size() == parameters.size(), "{}: {} parameters, Keras has {}", model.options().name,
         parameters.size(), rows.size());
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const auto& [name, parameter] = parameters[k];
    expect(rows[k][0] == name, "parameter {} is {}, Keras' is {}", k, name, rows[k][0].get<std::string>());
    const std::string kind = rows[k][1];
    const std::vector<double> values = kind == "const"
                                           ? input_statistic(name, plain)
                                           : formula_weight(static_cast<std::uint32_t>(k), kind, rows[k][2],
                                                            parameter->shape.elements(), facts["gain"]);
    parameter->value = Tensor::of(parameter->shape, values, dtype, device);
  }
  return model;
}

Batch formula_batch(const json& facts) {
  const Int count = facts["batch"], size = facts["size"];
  Batch batch;
  std::vector<double> pixels;
  for (Int n = 0; n < count; ++n) {
    for (Int y = 0; y < size; ++y)
      for (Int x = 0; x < size; ++x)
        for (Int c = 0; c < 3; ++c)
          pixels.push_back(static_cast<double>(((3 * x + 5 * y + 40 * c + 17 * n) ^ ((x * y) >> 4)) & 255));
    batch.labels.push_back((n + 1) % 3);
    batch.samples.push_back(n);
  }
  batch.images = Tensor::of({count, size, size, 3}, pixels);
  return batch;
}

Digest digest(const Tensor& x, std::size_t m) {
  const Tensor dense = x.as_dense();
  const auto n = static_cast<std::size_t>(x.elements());
  Digest d;
  with_type(x.dtype(), [&](auto zero) {
    const auto* const values = dense.data<decltype(zero)>();
    for (std::size_t i = 0; i < n; ++i) {
      const double value = values[i];
      d.norm += value * value;
      d.mean += value;
      d.mean_size += std::abs(value);
    }
    const std::size_t count = std::min(n, m);
    for (std::size_t j = 0; j < count; ++j)
      d.values.push_back(values[j == 0 ? 0 : j * (n - 1) / (count - 1)]);
  });
  d.norm = std::sqrt(d.norm);
  d.mean /= static_cast<double>(n);
  d.mean_size /= static_cast<double>(n);
  return d;
}

}  // namespace sonograd::golden
