#include "explain/explain.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "models/zoo.h"

using namespace sonograd;

namespace {

Model fresh(const std::string& name, Int size) {
  Model model = make_model({.name = name, .image_size = size});
  model.initialise(Random(1, name), DType::f32, Device::cpu);
  return model;
}

Tensor picture(Int size) {
  Tensor image = Tensor::empty({1, size, size, 3});
  initialise(image, {Init::Kind::uniform, 255}, Random(2, "picture"));
  return image;
}

}  // namespace

TEST_CASE("under a pooled head the map is the features weighted by the class's row of the dense layer") {
  const Model model = fresh("densenet121", 64);
  const HeatMap map = explain(model, picture(64), {.target = 2});
  CHECK(map.layer == "relu");
  CHECK((map.height == 2 && map.width == 2));

  Tensor features;
  Context context{.fuse = false};
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (path == "relu") features = y;
  };
  const NoGrad quiet;
  model.logits(picture(64), context);
  const Tensor& kernel = (model.parameters().end() - 2)->parameter->value;  // [1024, 3]
  for (Int position = 0; position < 4; ++position) {
    double sum = 0;
    for (Int k = 0; k < 1024; ++k) sum += kernel.at(k * 3 + 2) / 4 * features.at(position * 1024 + k);
    CHECK(map.values[static_cast<std::size_t>(position)] ==
          doctest::Approx(std::max(sum, 0.0)).epsilon(1e-4));
  }
}

TEST_CASE("the map of a sequence of tokens is their grid, without the class token") {
  const Model model = fresh("vit_s16", 48);
  const HeatMap map = explain(model, picture(48));
  CHECK(map.layer == "Transformer.encoderblock_11.LayerNorm_0");
  CHECK((map.height == 3 && map.width == 3));
  CHECK(explain(model, picture(48), {.layer = "embedding"}).values.size() == 9);
}

TEST_CASE("the default layer is the last feature map, as Keras names it") {
  const auto layer = [](const std::string& name, Int size) {
    std::string path = last_feature_map(fresh(name, size), picture(size));
    std::replace(path.begin(), path.end(), '.', '_');
    return path;
  };
  CHECK(layer("aeganb0", 32) == "batch_normalization_1");
  CHECK(layer("mini", 16) == "batch_normalization_1");
  CHECK(layer("efficientnetb0", 32) == "top_activation");
  CHECK(layer("densenet121", 32) == "relu");
  CHECK(layer("xception", 71) == "block14_sepconv2_act");
  CHECK(layer("vit_s16", 16) == "Transformer_encoderblock_11_LayerNorm_0");
}

TEST_CASE("integrated gradients of deep models in f32 add up to the score's rise within 1e-3") {
  for (const auto& model : std::vector<std::pair<std::string, Int>>{{"mini", 48}, {"densenet121", 32}}) {
    const std::string& name = model.first;
    const Int size = model.second;
    CAPTURE(name);
    const HeatMap map = explain(fresh(name, size), picture(size), {.method = "integrated-gradients"});
    CHECK(map.incompleteness <= 1e-3);
    CHECK(map.values.size() == static_cast<std::size_t>(size * size));
  }
}

TEST_CASE("a map that the score does not read is an error, and a blank map only where asked for") {
  // The head reads the class token alone.
  const Model model = fresh("vit_s16", 32);
  CHECK_THROWS_WITH_AS(explain(model, picture(32), {.layer = "Transformer_encoder_norm"}),
                       doctest::Contains("score does not depend on its output"), Error);
  for (const char* method : {"gradcam", "gradcam++", "hirescam", "layercam"}) {
    const HeatMap asked_for =
        explain(model, picture(32), {.method = method, .layer = "Transformer_encoder_norm", .blank = true});
    CHECK(asked_for.values == std::vector<float>(4, 0.0F));  // 2 x 2 tokens
  }
}
