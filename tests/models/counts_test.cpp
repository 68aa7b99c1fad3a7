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

TEST_CASE("the parameters that the zoo quotes from the paper are counted") {
  for (const ZooEntry& entry : zoo())
    if (entry.paper_parameters != 0) CHECK(element_count(entry.name) == entry.paper_parameters);
}
