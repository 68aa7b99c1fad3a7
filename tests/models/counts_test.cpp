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

TEST_CASE("activation bytes of the layers are those of what they write") {
  const auto bytes_under = [](const ModelSummary& summary, const std::string& prefix) {
    Int bytes = 0;
    for (const LayerSummary& layer : summary.layers)
      if (layer.name.rfind(prefix, 0) == 0) bytes += layer.activation_bytes;
    return bytes;
  };
  // an activation, a depthwise and a pointwise convolution, a norm
  const ModelSummary xception = summarise(make_model({.name = "xception", .image_size = 71}), Device::cpu);
  CHECK(bytes_under(xception, "block3.sepconv1") == 4 * 17 * 17 * (128 + 128 + 256 + 256));

  // Two norms and two activations around two convolutions; of the growing buffer, the new channels alone.
  const ModelSummary densenet = summarise(make_model({.name = "densenet121", .image_size = 64}), Device::cpu);
  CHECK(bytes_under(densenet, "conv3_block2.") == 4 * 8 * 8 * (2 * 160 + 3 * 128 + 32));
  CHECK(bytes_under(densenet, "conv3_block2") == 4 * 8 * 8 * (2 * 160 + 3 * 128 + 32 + 32));

  const ModelSummary vit = summarise(make_model({.name = "vit_s16", .image_size = 48}), Device::cpu);
  CHECK(bytes_under(vit, "embedding") == 4 * 9 * (384 + 384));  // and with the bias added
  CHECK(bytes_under(vit, "reshape") == 0);
  for (const ModelSummary* summary : {&xception, &densenet, &vit})
    CHECK(bytes_under(*summary, "") == summary->activation_bytes);
}

TEST_CASE("the parameters that the zoo quotes from the paper are counted") {
  for (const ZooEntry& entry : zoo())
    if (entry.paper_parameters != 0) CHECK(element_count(entry.name) == entry.paper_parameters);
}
