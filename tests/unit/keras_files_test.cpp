// The legacy .h5 and the .keras archive; Keras 3's .weights.h5 has keras_h5_test.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "models/model_file.h"
#include "models/weights/dialect.h"
#include "models/weights/h5_image.h"
#include "models/weights/keras_legacy_h5.h"
#include "models/weights/keras_structure.h"
#include "models/weights/zip.h"
#include "models/zoo.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

const fs::path data = fs::path(SONOGRAD_SOURCE_DIR) / "tests/golden/data";

// The formula of scripts/golden_weight_files.py at the position `index` of model.weights.
std::vector<double> formula(std::size_t index, std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<double>(index) + static_cast<double>(i) / 64;
  return index == 2 ? std::vector<double>{12345} : values;
}

}  // namespace

TEST_CASE("a legacy file that Keras wrote is read in the model's order") {
  const WeightFile file = read_weights(data / "tiny_weights.h5");
  CHECK(file.format == WeightFormat::legacy_h5);
  CHECK(file.facts == Facts{{"input", "imagenet"}});
  REQUIRE(file.tensors.size() == 22);
  CHECK(file.tensors[0].name == "normalization/mean");
  CHECK(file.tensors[2].type == ElementType::i64);
  CHECK(file.tensors[5].name == "dwconv/kernel");
  CHECK(file.tensors[16].name == "attention/attention_output/kernel");
  CHECK(file.tensors[16].shape == Shape{2, 3, 2});
  for (std::size_t i = 0; i < file.tensors.size(); ++i)
    CHECK(file.tensors[i].read().values() ==
          formula(i, static_cast<std::size_t>(file.tensors[i].shape.elements())));
}

TEST_CASE("whole legacy models, lists in parts and texts of variable length are read") {
  const WeightFile whole = read_weights(data / "tiny_legacy.h5");
  REQUIRE(whole.tensors.size() == 2);
  CHECK(whole.tensors[0].name == "dense/dense/kernel");
  CHECK(whole.tensors[1].read().values() == formula(1, 2));
  CHECK(whole.facts == Facts{{"ends in", "linear"}});

  const WeightFile parts = read_weights(data / "tiny_parts.h5");
  CHECK(parts.facts == Facts{{"input", "imagenet"}});  // told by the variance
  REQUIRE(parts.tensors.size() == 5);
  CHECK(parts.tensors[2].name == "conv1/conv/kernel:0");
  CHECK(parts.tensors[2].read().values() == std::vector<double>{0, 1, 2, 3, 4, 5});
  CHECK(parts.tensors[4].name == "dense_7/bias:0");
}

TEST_CASE(
    "a legacy file that is written has Keras 2's names in the model's order, and says the input's form") {
  const TemporaryFolder folder;
  for (const char* model : {"aeganb3", "densenet169", "vit_b16"}) {
    CAPTURE(model);
    const Slots slots = slots_of(make_model({.name = model}));
    const NameMap map = dialect_named("legacy", model, slots).rows;
    StoredTensors tensors;
    for (std::size_t i = 0; i < map.size(); ++i)
      tensors.push_back(stored(map[i].name, Tensor::filled({1}, static_cast<double>(i))));
    for (const char* input : {"imagenet", "plain"}) {
      const Facts facts = model == std::string("aeganb3") ? Facts{{"input", input}} : Facts{};
      write_keras_legacy_h5(folder / "x.h5", tensors, map, facts);
      const WeightFile file = read_weights(folder / "x.h5");
      CHECK(file.facts == facts);
      REQUIRE(file.tensors.size() == map.size());
      for (std::size_t i = 0; i < map.size(); ++i) {
        CHECK(file.tensors[i].name == map[i].theirs);
        CHECK(file.tensors[i].read().item() == static_cast<double>(i));
      }
    }
  }
}

TEST_CASE("legacy files whose lists are wrong are one line") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.h5";
  const auto text = [&](auto fill) {
    H5Image image;
    fill(image);
    write_file_atomically(path, image.bytes());
    const std::string text = error_of([&] { read_weights(path); });
    const std::string start = fmt::format("cannot read {}: ", path.string());
    CHECK(text.rfind(start, 0) == 0);
    return text.substr(std::min(start.size(), text.size()));
  };
  const auto file = [&](const std::vector<std::string>& layers, const std::vector<std::string>& weights) {
    return text([&](H5Image& image) {
      image.texts(image.group("/"), "layer_names", layers);
      const H5Handle group = image.group("/a");
      image.texts(group, "weight_names", weights);
      image.tensor("/a/k", ElementType::f32, Tensor::zeros({1}));
    });
  };
  const std::string end = "; the file is damaged: copy or download it again";
  CHECK(file({"a", "b"}, {"k"}) == "it names the layer \"/b\" and holds no such group" + end);
  CHECK(file({"a", "a"}, {"k"}) == "it names the layer \"a\" twice" + end);
  CHECK(file({"a"}, {"k", "k"}) == "it names the tensor \"/a/k\" twice" + end);
  CHECK(file({"a"}, {"b"}) == "it names the tensor \"/a/b\" and does not hold it" + end);
  CHECK(file({"a", ""}, {"k"}) == "it names the layer \"\" twice" + end);
  CHECK(text([](H5Image& image) { image.group("/model_weights"); }) == "it names no layers" + end);
}

TEST_CASE("a legacy file that names very many layers in one is refused soon") {
  const TemporaryFolder folder;
  std::vector<std::string> weights;
  for (int i = 0; i < 60'000; ++i) weights.push_back(fmt::format("{}/k", i));
  H5Image image;
  image.texts(image.group("/"), "layer_names", {"a"});
  const H5Handle group = image.group("/a");
  for (std::size_t part = 0; part < 60; ++part)
    image.texts(group, fmt::format("weight_names{}", part).c_str(),
                {weights.begin() + static_cast<std::ptrdiff_t>(1000 * part),
                 weights.begin() + static_cast<std::ptrdiff_t>(1000 * (part + 1))});
  write_file_atomically(folder / "x.h5", image.bytes());
  const auto start = std::chrono::steady_clock::now();
  CHECK(error_of([&] { read_weights(folder / "x.h5"); }).find("and does not hold it") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // quadratic: minutes
}

TEST_CASE("a .keras that Keras wrote, stored or deflated, is read as its weights are") {
  const WeightFile file = read_weights(data / "tiny.keras"), weights = read_weights(data / "tiny.weights.h5");
  CHECK(file.format == WeightFormat::keras_archive);
  Facts facts = weights.facts;
  facts.insert({{"image_size", "4"}, {"pooling", "avg"}, {"ends in", "linear"}});
  facts.emplace("rescalings", "0.00392157 x + 0; […] x + 0");
  CHECK(file.facts == facts);
  REQUIRE(file.tensors.size() == weights.tensors.size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    CHECK(file.tensors[i].name == weights.tensors[i].name);
    CHECK(file.tensors[i].shape == weights.tensors[i].shape);
    CHECK(file.tensors[i].read().values() == weights.tensors[i].read().values());
  }
  const WeightFile small = read_weights(data / "tiny_stored.keras");
  REQUIRE(small.tensors.size() == 2);
  CHECK(small.tensors[0].read().values() == formula(0, 4));
}

TEST_CASE("a base that is one layer, with a head behind it, is read as the flat model is") {
  const WeightFile keras3 = read_weights(data / "tiny_nested.keras");
  const std::vector<std::pair<std::string, std::vector<std::size_t>>> layers = {
      {"batch_normalization", {5, 6, 7, 8}},
      {"batch_normalization_1", {11, 12, 13, 14}},
      {"dense", {15, 16}},
      {"conv2d", {3, 4}},
      {"conv2d_1", {9, 10}},
      {"normalization", {0, 1, 2}}};
  std::map<std::string, std::size_t> places;
  for (const auto& [layer, at] : layers)
    for (std::size_t i = 0; i < at.size(); ++i) places[fmt::format("/layers/{}/vars/{}", layer, i)] = at[i];
  REQUIRE(keras3.tensors.size() == places.size());
  for (const StoredTensor& tensor : keras3.tensors) {
    CAPTURE(tensor.name);
    REQUIRE(places.count(tensor.name) == 1);
    const std::vector<double> values = tensor.read().values();
    CHECK(values == formula(places[tensor.name], values.size()));
  }

  const WeightFile legacy = read_weights(data / "tiny_nested.h5");
  REQUIRE(legacy.tensors.size() == places.size());
  for (std::size_t i = 0; i < legacy.tensors.size(); ++i) {
    CAPTURE(legacy.tensors[i].name);
    const std::vector<double> values = legacy.tensors[i].read().values();
    CHECK(values == formula(i, values.size()));
  }
  const Facts facts{{"input", "plain"},
                    {"image_size", "8"},
                    {"pooling", "avg"},
                    {"ends in", "linear"},
                    {"rescalings", "0.00392157 x + 0"}};
  CHECK(keras3.facts == facts);
  CHECK(legacy.facts == facts);
}

TEST_CASE("the structure that Keras keeps tells the image size, and anything else nothing") {
  const auto facts = [](const std::string& config, Facts facts = {}) {
    read_structure(config, facts);
    return facts;
  };
  const std::string input = R"({"config":{"layers":[{"config":{"batch_shape":[null,64,64,3]}}]}})";
  const std::string keras2 = R"({"config":{"layers":[{},{"config":{"batch_input_shape":[null,32,32,3]}}]}})";
  CHECK(facts(input) == Facts{{"image_size", "64"}});
  CHECK(facts(keras2) == Facts{{"image_size", "32"}});
  CHECK(facts(input, {{"image_size", "96"}}) == Facts{{"image_size", "96"}});
  for (const char* other : {"", "{", "[]", "7", R"({"config":7})", R"({"config":{"layers":{"a":[]}}})",
                            R"({"config":{"layers":[{"config":{"batch_shape":[null,null,null,3]}}]}})",
                            R"({"config":{"layers":[{"config":{"batch_shape":[null,64,32,3]}}]}})",
                            R"({"config":{"layers":[{"config":{"batch_shape":[null,-1,-1,3]}}]}})",
                            R"({"config":{"layers":[{"config":{"batch_shape":"64"}}]}})"}) {
    CAPTURE(other);
    CHECK(facts(other).empty());
  }
}

TEST_CASE(
    "a Keras model that computes something else than ours is refused, with its own preprocessing taken") {
  const auto layer = [](const char* kind, const std::string& config) {
    return fmt::format(R"({{"class_name": "{}", "config": {{{}}}}})", kind, config);
  };
  const auto facts_of = [](const std::vector<std::string>& layers) {
    Facts facts;
    read_structure(fmt::format(R"({{"config": {{"layers": [{}]}}}})", fmt::join(layers, ",")), facts);
    return facts;
  };
  const std::string conv = layer("Conv2D", ""),
                    to_unit = layer("Rescaling", R"("scale": 0.00392157, "offset": 0)"),
                    around_0 = layer("Rescaling", R"("scale": 0.00784314, "offset": -1)"),
                    softmax = layer("Dense", R"("activation": "softmax")"),
                    sigmoid = layer("Dense", R"("activation": "sigmoid")");
  // A base may end in a pooling within a block: only under a head does it say how the head pools.
  CHECK(facts_of({conv, layer("GlobalAveragePooling2D", ""), conv}).empty());
  const Facts pooled =
      facts_of({layer("GlobalAveragePooling2D", ""), layer("GlobalMaxPooling2D", ""), softmax});
  CHECK(pooled == Facts{{"pooling", "max"}, {"ends in", "softmax"}});

  const Model densenet = make_model({.name = "densenet121"}),
              efficientnet = make_model({.name = "efficientnetb0"});
  const auto checked = [&](const std::vector<std::string>& layers, const Model& model) {
    WeightFile file{"x.keras", WeightFormat::keras_archive, {}, facts_of(layers)};
    to_our_names(file, model);
    return file.facts;
  };
  CHECK(checked({around_0, conv, softmax}, densenet) == Facts{{"preprocess", "tf"}});
  CHECK(checked({to_unit, conv, softmax}, efficientnet).count("preprocess") == 0);
  const auto refusal = [&](const std::vector<std::string>& layers, const Model& model) {
    return error_of([&] { checked(layers, model); });
  };
  for (const char* stranger : {R"({"class_name": "TrueDivide", "module": "keras.src.ops.numpy"})",
                               R"({"class_name": "Add", "module": "keras.src.ops.numpy"})",
                               R"({"class_name": "Resizing"})", R"({"class_name": "TFOpLambda"})",
                               R"({"class_name": "Activation", "config": {"activation": "tanh"}})"})
    CHECK(refusal({conv, stranger, softmax}, densenet).find("compute what densenet121 here does not") !=
          std::string::npos);
  // vit-keras' own layers, under the name of whatever module made them, and its one Lambda
  const Model vit = make_model({.name = "vit_b32"});
  const std::string extract = layer("Lambda", R"("name": "ExtractToken")");
  for (const char* ours : {"ClassToken", "AddPositionEmbs", "TransformerBlock"})
    CHECK(checked({conv, fmt::format(R"({{"class_name": "{}", "module": "vit_keras.layers"}})", ours),
                   extract, softmax},
                  vit)
              .empty());
  CHECK(
      refusal({conv, layer("Lambda", R"("name": "lambda")"), softmax}, vit).find("its \"Lambda\" compute") !=
      std::string::npos);
  CHECK(checked({layer("RandomFlip", ""), conv, layer("Dropout", ""), softmax}, densenet).empty());
  CHECK(refusal({conv, sigmoid}, densenet).find("x.keras: its last layer ends in a \"sigmoid\"") == 0);
  CHECK(refusal({to_unit, conv, softmax}, densenet).find("its layers Rescaling compute") !=
        std::string::npos);
  CHECK(refusal({around_0, to_unit, conv, softmax}, efficientnet).find("its layers Rescaling compute") !=
        std::string::npos);
}

TEST_CASE("a .keras whose weights are damaged is one line") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.keras";
  const std::string weights = read_file(data / "tiny.weights.h5");
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{5000}}) {
    ZipWriter archive(path);
    archive.add("config.json", "{}");
    archive.add("model.weights.h5", std::string_view(weights).substr(0, size));
    archive.commit();
    const std::string text = error_of([&] { read_weights(path); });
    CHECK(text.rfind(fmt::format("cannot read {}: HDF5 cannot open it (", path.string()), 0) == 0);
    CHECK(text.find('\n') == std::string::npos);
  }
}
