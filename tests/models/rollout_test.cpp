#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.h"
#include "explain/attention_rollout.h"
#include "explain/explain.h"
#include "layers/attention.h"
#include "layers/conv.h"
#include "layers/dense.h"
#include "layers/pooling.h"
#include "models/vit.h"
#include "models/zoo.h"
#include "tests/golden/formula.h"

using namespace sonograd;
using nlohmann::json;

namespace {

// The models of scripts/golden_rollout.py.
constexpr Int image_size = 12, hidden = 8;
const ModelOptions options{.name = "small", .image_size = image_size};

Model transformer() {
  const VitSize size{.patch = 4, .hidden = hidden, .layers = 3, .heads = 2, .mlp = 16};
  Chain head;
  head.add("dense", dense(hidden, 3));
  return {options, vit(size, image_size, Keras::v3).layers, std::move(head), vit_grid(size, image_size)};
}

Model feature_map() {
  Chain base, head;
  base.add("embedding", conv({.in = 3, .out = hidden, .kernel = 4, .stride = 4, .bias = true, .pad = valid}));
  head.add("multi_head_attention", multi_head_attention(hidden, 2, hidden / 2, Keras::v3))
      .add("global_average_pooling2d", GlobalPooling{})
      .add("dense", dense(hidden, 3));
  return {options, std::move(base), std::move(head)};
}

void set_values(Model& model, const json& facts) {
  std::map<std::string, json> by_name;
  for (const json& row : facts) by_name[row["name"]] = row;
  for (const NamedParameter& p : model.parameters()) {
    const json& row = by_name.at(p.name);
    const double scale = row["scale"], shift = row["shift"];
    std::vector<double> values(static_cast<std::size_t>(p.parameter->shape.elements()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = shift + scale * (2 * golden::draw(row["key"], static_cast<std::uint32_t>(i)) - 1);
    p.parameter->value = Tensor::of(p.parameter->shape, values, DType::f64, Device::reference);
  }
}

Tensor picture() {
  std::vector<double> pixels;
  for (Int y = 0; y < image_size; ++y)
    for (Int x = 0; x < image_size; ++x)
      for (Int c = 0; c < 3; ++c)
        pixels.push_back(static_cast<double>(((3 * x + 5 * y + 40 * c) ^ ((x * y) >> 4)) & 255));
  return Tensor::of({1, image_size, image_size, 3}, pixels, DType::f64, Device::reference);
}

void check_case(Model model, std::size_t number) {
  const json golden = json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/rollout.json"));
  const json& facts = golden["cases"][number];
  set_values(model, facts["parameters"]);
  Context context;
  const std::vector<double> logits = model.logits(picture(), context).values();
  for (std::size_t c = 0; c < 3; ++c) CHECK(logits[c] == doctest::Approx(facts["logits"][c]).epsilon(1e-11));

  const HeatMap map = explain(model, picture(), {.method = "rollout"});
  CHECK((map.height == 3 && map.width == 3));
  CHECK(map.layer.empty());
  REQUIRE(map.values.size() == 9);
  for (std::size_t i = 0; i < 9; ++i)
    CHECK(map.values[i] == doctest::Approx(facts["rollout"][i]).epsilon(1e-6));  // maps are f32
}

}  // namespace

TEST_CASE("rollout through a transformer is the class token's row of PyTorch's product") {
  check_case(transformer(), 0);
}

TEST_CASE("rollout of a feature map's attention is the mean of the probabilities' rows") {
  check_case(feature_map(), 1);
}

TEST_CASE("what is rolled out adds up to one, whatever the class") {
  Model model = make_model({.name = "mini", .image_size = 48});
  model.initialise(Random(1), DType::f32, Device::cpu);
  Tensor image = Tensor::empty({1, 48, 48, 3});
  initialise(image, {Init::Kind::uniform, 255}, Random(2, "picture"));
  const HeatMap map = explain(model, image, {.method = "rollout", .target = 0});
  CHECK((map.height == 6 && map.width == 6));
  CHECK(std::accumulate(map.values.begin(), map.values.end(), 0.0) == doctest::Approx(1).epsilon(1e-5));
  CHECK(map.values == explain(model, image, {.method = "rollout", .target = 2}).values);
}

TEST_CASE("a model without attention has no rollout, and options of other methods are refused") {
  Model model = make_model({.name = "efficientnetb0", .image_size = 32});
  model.initialise(Random(1), DType::f32, Device::cpu);
  const Tensor image = Tensor::filled({1, 32, 32, 3}, 100);
  CHECK_THROWS_WITH_AS(explain(model, image, {.method = "rollout"}),
                       "efficientnetb0 has no attention layer to roll out; choose another method", Error);
  CHECK_THROWS_WITH_AS(explain(model, image, {.method = "rollout", .layer = "top_conv"}),
                       "rollout looks at no single layer, so none can be chosen for it", UsageError);
  CHECK_THROWS_WITH_AS(explain(model, image, {.method = "other"}),
                       "no method is called other; there are gradcam, gradcam++, hirescam, layercam, "
                       "scorecam, rollout, integrated-gradients, occlusion",
                       UsageError);
  CHECK_THROWS_WITH_AS(explain(model, image, {.target = 3}),
                       "class 3: the model has 3 classes, counted from 0", Error);
  CHECK_THROWS_WITH_AS(explain(model, image, {.layer = "other"}),
                       "layer other: efficientnetb0 has no such layer; `sonograd summary --model "
                       "efficientnetb0` lists them",
                       Error);
  CHECK_THROWS_WITH_AS(explain(model, image, {.method = "occlusion", .notebook = true}),
                       "the notebook's variant is a form of gradcam; occlusion has none", UsageError);
  CHECK_THROWS_WITH_AS(attention_rollout({Tensor::zeros({1, 2, 3, 4})}, {1, 0, 0}, true),
                       "attention rollout takes probabilities [1, heads, 3, 3], got [1,2,3,4]", Error);
}
