#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/tape.h"
#include "base/file.h"
#include "explain/class_activation.h"
#include "explain/perturbation.h"
#include "ops/binary/binary.h"
#include "ops/conv2d/conv2d.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "ops/unary/unary.h"

using namespace sonograd;
using Json = nlohmann::json;

namespace {

// The network of scripts/golden_explain.py, in f64 on the reference.
struct Network {
  Json golden = Json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/explain.json"));
  Int size = golden["size"], target = golden["target"];
  Tensor image = tensor("image", {1, size, size, 3}), conv_kernel = tensor("conv_kernel", {3, 3, 3, 4}),
         conv_bias = tensor("conv_bias", {4}), dense_kernel = tensor("dense_kernel", {4, 3}),
         dense_bias = tensor("dense_bias", {3});

  Tensor tensor(const char* name, const Shape& shape) const {
    return Tensor::of(shape, golden[name].get<std::vector<double>>(), DType::f64, Device::reference);
  }
  Tensor features(const Tensor& x) const {
    const Tensor scale = Tensor::filled({1}, 1.0 / 128, DType::f64, Device::reference);
    return swish(add(conv2d(multiply(x, scale), conv_kernel), conv_bias));
  }
  Tensor logits_of(const Tensor& features) const {
    return add(matmul(mean(square(features), {1, 2}), dense_kernel), dense_bias);
  }

  ClassScore score() const {
    return [this](const Tensor& images) {
      const std::vector<double> logits = logits_of(features(images)).values();
      std::vector<double> scores;
      for (auto i = static_cast<std::size_t>(target); i < logits.size(); i += 3) scores.push_back(logits[i]);
      return scores;
    };
  }
  Tensor cotangent() const {
    std::vector<double> one(3);
    one[target] = 1;
    return Tensor::of({1, 3}, one, DType::f64, Device::reference);
  }
  Activations activations() const {
    Tape tape;
    Tensor a = features(image);
    tape.watch(a);
    const Tensor g = tape.gradient(logits_of(a), {a}, {.cotangent = cotangent()})[0];
    return {size * size, 4, a.values(), g.values()};
  }

  void check(const std::string& method, const std::vector<float>& ours, double tolerance = 1e-6) const {
    INFO(method);
    const auto theirs = golden["maps"][method].get<std::vector<double>>();
    REQUIRE(ours.size() == theirs.size());
    double most = 0, difference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      most = std::max(most, std::abs(theirs[i]));
      difference = std::max(difference, std::abs(theirs[i] - ours[i]));
    }
    CHECK(most > 0);
    CHECK(difference <= tolerance * most);
  }
};

}  // namespace

TEST_CASE("the network's logits are PyTorch's") {
  const Network network;
  const std::vector<double> ours = network.logits_of(network.features(network.image)).values();
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(ours[i] == doctest::Approx(network.golden["logits"][i]).epsilon(1e-12));
}

TEST_CASE("class activation maps are pytorch-grad-cam's") {
  const Network network;
  const Activations a = network.activations();
  network.check("gradcam", grad_cam_map(a));
  Activations steep = a;
  for (double& g : steep.gradient) g *= 1000;
  network.check("gradcam++", grad_cam_pp_map(steep), 1e-4);  // theirs adds 1e-6 to the denominator
  network.check("hirescam", hi_res_cam_map(a));
  network.check("layercam", layer_cam_map(a));
  network.check("scorecam", score_cam_map(network.image, network.features(network.image), network.score()),
                1e-5);  // theirs stretches and scales in f32
}

TEST_CASE("the notebook's map is grad-cam's times a number that its gradients alone decide") {
  const Network network;
  const Activations a = network.activations();
  double square = 0;
  for (const double g : a.gradient) square += g * g / static_cast<double>(a.gradient.size());
  const std::vector<float> plain = grad_cam_map(a), notebook = notebook_cam_map(a);
  for (std::size_t i = 0; i < plain.size(); ++i)
    CHECK(notebook[i] == doctest::Approx(plain[i] / (square + 1e-5)).epsilon(1e-6));
}

TEST_CASE(
    "integrated gradients and occlusion are Captum's, and the attributions add up to the score's rise") {
  const Network network;
  const ScoreGradient gradient = [&](Tensor point) {
    Tape tape;
    tape.watch(point);
    const Tensor logits = network.logits_of(network.features(point));
    const Tensor g = tape.gradient(logits, {point}, {.cotangent = network.cotangent()})[0];
    return std::pair(logits.at(network.target), g);
  };
  const Attributions result = integrated_gradients(network.image, gradient);
  network.check("integrated-gradients", integrated_gradients(network.image, gradient, 1e-8).map, 1e-6);
  CHECK(result.incompleteness <= 1e-3);
  double sum = 0;
  for (const float value : result.map) sum += value;
  CHECK(std::abs(sum - result.rise) <= 1e-3 * std::abs(result.rise) + 1e-5);
  const Tensor black = Tensor::zeros(network.image.shape(), DType::f64, Device::reference);
  CHECK(result.rise == doctest::Approx(network.score()(network.image)[0] - network.score()(black)[0]));

  network.check("occlusion", occlusion_map(network.image, 3, 3, network.score()));
  const std::vector<float> overlapping = occlusion_map(network.image, 4, 2, network.score());
  CHECK(overlapping.size() == 81);
  CHECK_THROWS_WITH_AS(occlusion_map(network.image, 2, 3, network.score()),
                       "occlusion: a window of 2 pixels every 3 leaves gaps", Error);
}
