#include <doctest/doctest.h>

#include "models/summary.h"
#include "models/zoo.h"

using namespace sonograd;

namespace {

// Keras' figures, three classes; multiply-adds of one image of 224 × 224.
struct Counts {
  const char* name;
  Int parameters, trainable, transfer, finetune, macs, tensors;
};

const Counts keras_counts[] = {
    {"aeganb3", 36763954, 36670507, 25974275, 36577067, 2214754576, 517},
    {"efficientnetb3", 10788146, 10700843, 4611, 10613547, 961176848, 499},
    {"densenet169", 12647875, 12489475, 4995, 12331075, 3358184320, 846},
    {"xception", 20867627, 20813099, 6147, 20758571, 4550837216, 236},
    {"vit_b16", 85800963, 85800963, 2307, 85799427, 17563062528, 200},
    {"vit_b32", 87457539, 87457539, 2307, 87456003, 4408420608, 200},
};

Int element_count(const std::string& name) {
  return count_elements(make_model({.name = name}).parameters(), [](const Parameter&) { return true; });
}

}  // namespace

TEST_CASE("parameters of each training phase and multiply-adds are Keras'") {
  for (const Counts& keras : keras_counts) {
    CAPTURE(keras.name);
    const Model model = make_model({.name = keras.name});
    CHECK(model.parameters().size() == static_cast<std::size_t>(keras.tensors));
    const ModelSummary ours = summarise(model, Device::cpu);
    CHECK(ours.parameters == keras.parameters);
    CHECK(ours.trainable == keras.trainable);
    CHECK(ours.trainable_transfer == keras.transfer);
    CHECK(ours.trainable_finetune == keras.finetune);
    CHECK(ours.macs == keras.macs);
  }
}

TEST_CASE("parameters of the whole EfficientNet family are Keras'") {
  // keras.applications' totals without top, and a dense layer to three classes
  const Int bases[] = {4049571, 6575239, 7768569, 10783535, 17673823, 28513527, 40960143, 64097687};
  const Int channels[] = {1280, 1280, 1408, 1536, 1792, 2048, 2304, 2560};
  for (std::size_t b = 0; b < 8; ++b)
    CHECK(element_count("efficientnetb" + std::to_string(b)) == bases[b] + 3 * channels[b] + 3);
  CHECK(element_count("aeganb3_noattention") == 11584306);
}

TEST_CASE("parameters of the DenseNet family are Keras', of ViT-S/16 the paper's") {
  CHECK(element_count("densenet121") == 7037504 + 3 * 1024 + 3);
  CHECK(element_count("densenet201") == 18321984 + 3 * 1920 + 3);
  const Int d = 384, mlp = 1536, patch = 16 * 16 * 3 * d + d, positions = (1 + 1 + 14 * 14) * d;
  const Int block = 4 * (d * d + d) + (d * mlp + mlp) + (mlp * d + d) + 4 * d;
  CHECK(element_count("vit_s16") == patch + positions + 12 * block + 2 * d + 3 * d + 3);
}

TEST_CASE("multiply-adds of the layers are those of their formulas") {
  const auto macs_under = [](const ModelSummary& summary, const std::string& prefix) {
    Int macs = 0;
    for (const LayerSummary& layer : summary.layers)
      if (layer.name.rfind(prefix, 0) == 0) macs += layer.macs;
    return macs;
  };
  const ModelSummary vit = summarise(make_model({.name = "vit_s16", .image_size = 48}), Device::cpu);
  const Int n = 1 + 3 * 3, d = 384;
  const std::string block = "Transformer.encoderblock_3.";
  CHECK(macs_under(vit, block + "MultiHeadDotProductAttention_1") == 4 * n * d * d + 2 * n * n * d);
  CHECK(macs_under(vit, block + "MlpBlock_3") == 8 * n * d * d);
  CHECK(macs_under(vit, "embedding") == 9 * 16 * 16 * 3 * d);

  const ModelSummary xception = summarise(make_model({.name = "xception", .image_size = 71}), Device::cpu);
  CHECK(macs_under(xception, "block3.sepconv1") == 17 * 17 * (9 * 128 + 128 * 256));
  CHECK(macs_under(xception, "conv2d_1") == 9 * 9 * 128 * 256);

  const ModelSummary densenet = summarise(make_model({.name = "densenet121", .image_size = 64}), Device::cpu);
  CHECK(macs_under(densenet, "conv3_block2.") == 8 * 8 * (160 * 128 + 9 * 128 * 32));
  CHECK(macs_under(densenet, "pool3_conv") == 8 * 8 * 512 * 256);
}

TEST_CASE("the parameters that the zoo quotes from the paper are counted") {
  for (const ZooEntry& entry : zoo())
    if (entry.paper_parameters != 0) CHECK(element_count(entry.name) == entry.paper_parameters);
}
