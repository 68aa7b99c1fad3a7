#include "models/pixel_range.h"

#include <doctest/doctest.h>

#include <array>

#include "models/zoo.h"
#include "ops/conv2d/conv2d.h"

using namespace sonograd;

namespace {

const NamedParameter& find(const std::vector<NamedParameter>& parameters, const std::string& name) {
  for (const NamedParameter& p : parameters)
    if (p.name == name) return p;
  throw Error("no parameter {}", name);
}

// A model whose first norm holds the statistics of pictures of many brightnesses, preprocessed so.
Model trained_on(const std::string& name, const std::string& conv, const std::string& norm, Preprocess how) {
  Model model = make_model({.name = name, .image_size = 71});
  model.initialise(Random(3), DType::f32, Device::cpu);
  Tensor images = Tensor::empty({16, 71, 71, 3}, DType::f32, Device::cpu);
  initialise(images, {Init::Kind::uniform, 40}, Random(4));
  const Int pixels = images.elements() / 16;
  for (Int i = 0; i < images.elements(); ++i)
    images.mutable_data<float>()[i] += 40 + 11 * static_cast<float>(i / pixels);

  const auto parameters = model.parameters();
  const std::vector<double> y =
      conv2d(preprocess(images, how), find(parameters, conv + ".kernel").parameter->value).values();
  const Parameter& mean = *find(parameters, norm + ".moving_mean").parameter;
  const Parameter& variance = *find(parameters, norm + ".moving_variance").parameter;
  const auto filters = static_cast<std::size_t>(mean.shape[0]);
  std::vector<double> sum(filters), square(filters);
  for (std::size_t i = 0; i < y.size(); ++i) {
    sum[i % filters] += y[i];
    square[i % filters] += y[i] * y[i];
  }
  const auto n = static_cast<double>(y.size() / filters);
  for (std::size_t f = 0; f < filters; ++f) {
    sum[f] /= n;
    square[f] = square[f] / n - sum[f] * sum[f];
  }
  for (const auto& [name_of_it, parameter] : parameters) {
    if (parameter == &mean) parameter->value = Tensor::of(mean.shape, sum, DType::f32, Device::cpu);
    if (parameter == &variance) parameter->value = Tensor::of(mean.shape, square, DType::f32, Device::cpu);
  }
  return model;
}

}  // namespace

TEST_CASE("the first norm's statistics tell raw pixels from preprocessed ones") {
  const std::array<const char*, 3> models[] = {{"xception", "block1.conv1", "block1.conv1_bn"},
                                               {"densenet121", "conv1_conv", "conv1_bn"}};
  for (const auto& [name, conv, norm] : models) {
    const Preprocess official = zoo_entry(name).weights;
    for (const Preprocess how : {Preprocess::raw, official}) {
      const Model model = trained_on(name, conv, norm, how);
      CAPTURE(*least_pixel_deviation(model));
      CHECK(trained_with(model, {}, Filled::whole) == how);
      CHECK(trained_with(model, {}, Filled::base) == how);
      CHECK(trained_with(model, {{"preprocess", "tf"}}, Filled::whole) == Preprocess::tf);
    }
  }
}

TEST_CASE("where nothing can be told, a base is taken for the official one and a whole model for nobody's") {
  for (const char* name : {"densenet121", "vit_s16", "mini"}) {
    CAPTURE(name);
    Model model = make_model({.name = name, .image_size = 32});
    model.initialise(Random(3), DType::f32, Device::cpu);
    CHECK_FALSE(least_pixel_deviation(model).has_value());
    CHECK_FALSE(trained_with(model, {}, Filled::whole).has_value());
    CHECK(trained_with(model, {}, Filled::base) == zoo_entry(name).weights);
  }
}
