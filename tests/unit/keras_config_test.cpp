#include "models/keras_config.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "models/model_file.h"
#include "models/weights/dialect.h"
#include "models/weights/zip.h"
#include "models/zoo.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
using nlohmann::json;

namespace {

json layers_of(const ModelOptions& options) {
  return json::parse(keras_config(make_model(options)))["config"]["layers"];
}

const json& named(const json& layers, const std::string& name) {
  for (const json& layer : layers)
    if (layer["name"] == name) return layer;
  throw Error("no layer {}", name);
}

// Conv2D -> conv2d, SeparableConv2D -> separable_conv2d: Keras' groups are called so.
std::string snake_case(const std::string& kind) {
  std::string text;
  for (std::size_t i = 0; i < kind.size(); ++i) {
    const bool upper = kind[i] >= 'A' && kind[i] <= 'Z';
    const bool inside = i + 1 < kind.size() && kind[i + 1] >= 'a' && kind[i + 1] <= 'z';
    if (upper && i > 0 && inside) text += '_';
    text += static_cast<char>(upper ? kind[i] - 'A' + 'a' : kind[i]);
  }
  return text;
}

// The layers whose outputs a layer reads.
std::vector<std::string> inputs_of(const json& layer) {
  std::vector<std::string> names;
  const std::function<void(const json&)> collect = [&](const json& part) {
    if (part.is_object() && part.contains("keras_history")) names.push_back(part["keras_history"][0]);
    for (const json& inner : part)
      if (inner.is_structured()) collect(inner);
  };
  collect(layer["inbound_nodes"]);
  return names;
}

}  // namespace

TEST_CASE("the structure for Keras has every layer that has weights, where its weights are looked for") {
  for (const char* model : {"aeganb3", "aeganb3_noattention", "efficientnetb0", "efficientnetb7",
                            "densenet121", "densenet169", "xception"}) {
    CAPTURE(model);
    const json layers = layers_of({.name = model});
    std::map<std::string, int> counts;
    std::set<std::string> places, names;
    for (const json& layer : layers) {
      const std::string kind = snake_case(layer["class_name"]);
      const int count = counts[kind]++;
      places.insert("/layers/" + kind + (count ? "_" + std::to_string(count) : ""));
      for (const std::string& input : inputs_of(layer)) CHECK(names.count(input) == 1);
      CHECK(names.insert(layer["name"]).second);
    }
    std::set<std::string> with_weights;
    for (const NameRow& row : dialect_named("keras3", model, slots_of(make_model({.name = model}))).rows)
      with_weights.insert(row.theirs.substr(0, row.theirs.find('/', 8)));
    for (const std::string& place : with_weights) {
      CAPTURE(place);
      CHECK(places.count(place) == 1);
    }
  }
}

TEST_CASE("layers have the settings that Keras' have") {
  const json aeganb3 = layers_of({.name = "aeganb3", .image_size = 96, .input = InputForm::imagenet});
  CHECK(aeganb3[0]["config"]["batch_shape"] == json{nullptr, 96, 96, 3});
  CHECK(named(aeganb3, "rescaling_1")["config"]["scale"][0] == doctest::Approx(2.0896918976428642));
  CHECK(named(aeganb3, "rescaling")["config"]["offset"] == 0);  // Keras reads it without a default
  CHECK(named(aeganb3, "block2a_dwconv")["config"] == json{{"name", "block2a_dwconv"},
                                                           {"kernel_size", {3, 3}},
                                                           {"strides", {2, 2}},
                                                           {"padding", "same"},
                                                           {"use_bias", false}});
  CHECK(named(aeganb3, "block1b_drop")["config"]["rate"] == doctest::Approx(0.2 / 26));
  CHECK(inputs_of(named(aeganb3, "block1b_add")) ==
        std::vector<std::string>{"block1b_drop", "block1a_project_bn"});
  CHECK(inputs_of(named(aeganb3, "block1a_se_excite")) ==
        std::vector<std::string>{"block1a_activation", "block1a_se_expand"});
  CHECK(inputs_of(named(aeganb3, "multi_head_attention")) ==
        std::vector<std::string>{"batch_normalization", "batch_normalization"});
  CHECK(named(aeganb3, "dense")["config"]["activation"] == "relu");
  CHECK(named(aeganb3, "dense_1")["config"]["activation"] == "softmax");

  const json densenet = layers_of({.name = "densenet169", .pooling = Pooling::max});
  CHECK(named(densenet, "conv1_conv_pad")["config"]["padding"] == json{{3, 3}, {3, 3}});
  CHECK(named(densenet, "conv2_block1_0_bn")["config"]["epsilon"] == 1.001e-5);
  CHECK(inputs_of(named(densenet, "conv2_block2_concat")) ==
        std::vector<std::string>{"conv2_block1_concat", "conv2_block2_2_conv"});
  CHECK(named(densenet, "global_max_pooling2d")["class_name"] == "GlobalMaxPooling2D");

  const json xception = layers_of({.name = "xception"});
  CHECK(inputs_of(named(xception, "add")) == std::vector<std::string>{"block2_pool", "batch_normalization"});
  CHECK(inputs_of(named(xception, "conv2d")) == std::vector<std::string>{"block1_conv2_act"});
}

TEST_CASE("a whole model goes into a .keras and back; a base or a Vision Transformer does not") {
  const TemporaryFolder folder;
  Model model = make_model({.name = "efficientnetb0", .image_size = 64});
  model.initialise(Random(1), DType::f32, Device::cpu);
  save_model(model, folder / "x.keras");
  const ZipReader archive(folder / "x.keras");
  CHECK(archive.find("config.json") != nullptr);
  CHECK(archive.find("metadata.json") != nullptr);
  Model again = make_model({.name = "efficientnetb0", .image_size = 64});
  load_values(again, folder / "x.keras");
  const auto before = model.parameters(), after = again.parameters();
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(before[i].parameter->value.values() == after[i].parameter->value.values());

  const StoredTensors part{stored(before[0].name, before[0].parameter->value)};
  CHECK(error_of([&] {
          write_model(folder / "y.keras", model, part, {{"model", "efficientnetb0"}});
        }) ==
        fmt::format("cannot write {}: a .keras holds a whole model, 1 of 314 tensors are there; write a "
                    ".weights.h5",
                    (folder / "y.keras").string()));
  CHECK(error_of([] {
          keras_config(make_model({.name = "vit_s16"}));
        }).find("which is no layer of Keras' own; write a .weights.h5 for its load_weights") !=
        std::string::npos);
}
