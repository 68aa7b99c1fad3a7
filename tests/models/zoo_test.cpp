#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/summary.h"
#include "models/zoo.h"

using namespace sonograd;
using nlohmann::json;

namespace {

// What scripts/golden_zoo.py made with Keras and vit-keras.
const json& golden() {
  static const json facts =
      json::parse(std::ifstream(SONOGRAD_SOURCE_DIR "/tests/golden/data/zoo.json"), nullptr, false);
  return facts;
}

}  // namespace

TEST_CASE("each family of the zoo is counted as Keras counts it") {
  for (const auto& item : golden().at("models").items()) {
    const std::string name = item.key();
    const json& keras = item.value();
    CAPTURE(name);
    const ModelSummary ours = summarise(make_model({.name = name}), Device::cpu);
    CHECK(ours.parameters == keras.at("parameters"));
    CHECK(ours.trainable == keras.at("trainable"));
    CHECK(ours.macs == keras.at("macs"));
  }
}

TEST_CASE("the official files are those that Keras asks for") {
  std::size_t known = 0;
  for (const ZooEntry& entry : zoo()) {
    CAPTURE(entry.name);
    for (const OfficialFile& file : entry.files) {
      CAPTURE(file.address);
      CHECK(file.address.rfind("https://", 0) == 0);
      CHECK(file.address.substr(file.address.size() - file.name.size()) == file.name);
      if (file.md5.empty()) continue;  // of vit-keras and Google, who publish none
      ++known;
      REQUIRE(golden().at("md5").contains(file.address));
      CHECK(golden().at("md5").at(file.address) == file.md5);
      CHECK(file.top == (file.name.find("_notop") == std::string::npos));
    }
  }
  CHECK(known == golden().at("md5").size() + 3);  // the paper's models have their bases' files
}

TEST_CASE("every model has facts, and no facts are of an unknown model") {
  std::size_t described = 0;
  for (const EmbeddedFamily& family : embedded_families())
    described += parse_family(family.name, family.json).size();
  CHECK(described == zoo().size());
  for (const ZooEntry& entry : zoo()) {
    CAPTURE(entry.name);
    CHECK_FALSE(entry.title.empty());
    CHECK_FALSE(entry.licence.empty());
    CHECK(entry.notebook == Preprocess::raw);  // training.md: no model gets anything else
    const auto with_size = [&](Int size) { return make_model({.name = entry.name, .image_size = size}); };
    CHECK_NOTHROW(with_size(entry.smallest_image));
    CHECK_NOTHROW(with_size(entry.smallest_image + entry.image_multiple));
    if (entry.image_multiple > 1) CHECK_THROWS_AS(with_size(entry.smallest_image + 1), Error);
    CHECK_THROWS_AS(with_size(entry.smallest_image - 1), Error);
  }
}

TEST_CASE("a family's file with a mistake is named") {
  CHECK_THROWS_WITH_AS(parse_family("lost", "{}"), doctest::Contains("models/zoo/lost.json: "), Error);
  CHECK_THROWS_AS(parse_family("lost", "{"), Error);
  for (const EmbeddedFamily& family : embedded_families()) {
    std::string text(family.json);
    const std::size_t at = text.find("\"max\"");
    if (at == std::string::npos) continue;
    CHECK_THROWS_WITH_AS(parse_family("lost", text.replace(at, 5, "\"mean\"")),
                         "there is no pooling mean; choose avg or max", Error);
  }
}

TEST_CASE("pixels are preprocessed as Keras and vit-keras do it") {
  const std::vector<double> pixels = golden().at("preprocess").at("pixels");
  const Shape shape{1, 2, 2, 3};
  const std::pair<std::string, std::string> families[] = {{"densenet169", "densenet"},
                                                          {"xception", "xception"},
                                                          {"vit_b16", "vit"},
                                                          {"efficientnetb3", "efficientnet"}};
  for (const auto& pair : families) {
    const std::string& model = pair.first;
    CAPTURE(model);
    const std::vector<double> keras = golden().at("preprocess").at(pair.second);
    for (const Device device : {Device::reference, Device::cpu}) {
      const Tensor images = Tensor::of(shape, pixels, DType::f32, device);
      const std::vector<double> ours = preprocess(images, zoo_entry(model).weights).values();
      for (std::size_t i = 0; i < keras.size(); ++i)
        CHECK(ours[i] == doctest::Approx(keras[i]).epsilon(3e-7));
    }
  }
}

TEST_CASE("a model preprocesses what it is given, once") {
  Model model = make_model({.name = "mini", .image_size = 16});
  model.initialise(Random(5), DType::f64, Device::reference);
  Tensor images = Tensor::empty({2, 16, 16, 3}, DType::f64, Device::reference);
  initialise(images, {Init::Kind::uniform, 255}, Random(6));
  const auto logits = [&](const Tensor& x, Preprocess how) {
    model.set_preprocess(how);
    Context context;
    return model.logits(x, context).values();
  };
  const auto raw = logits(images, Preprocess::raw);
  for (const Preprocess how : {Preprocess::tf, Preprocess::torch}) {
    CHECK(logits(images, how) == logits(preprocess(images, how), Preprocess::raw));
    CHECK(logits(images, how) != raw);
  }
}
