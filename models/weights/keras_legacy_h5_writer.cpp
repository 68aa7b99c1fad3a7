#include "base/file.h"
#include "models/weights/h5_image.h"
#include "models/weights/h5_texts.h"
#include "models/weights/keras_h5.h"
#include "models/weights/keras_legacy_h5.h"

namespace sonograd {
namespace {

struct Layer {
  std::string name;
  std::vector<std::string> weights;
};

}  // namespace

void write_keras_legacy_h5(const std::filesystem::path& path, const StoredTensors& tensors,
                           const NameMap& names, const Facts& facts) {
  H5Image image;
  std::vector<Layer> layers;
  const auto input = facts.find("input");
  if (input != facts.end()) layers.push_back({"rescaling", {}});
  if (input != facts.end() && input->second == "imagenet") layers.push_back({"rescaling_1", {}});
  for (const StoredTensor& tensor : tensors) {
    const NameRow& row = keras_row(names, tensor, path);
    if (layers.empty() || layers.back().name != row.group) layers.push_back({row.group, {}});
    layers.back().weights.push_back(row.theirs);
    const std::string place = "/" + row.group + "/" + row.theirs;
    image.group(place.substr(0, place.rfind('/')));
    image.tensor(place, keras_type(tensor), tensor.read());
  }
  std::vector<std::string> layer_names;
  for (const Layer& layer : layers) {
    image.texts(image.group("/" + layer.name), "weight_names", layer.weights);
    layer_names.push_back(layer.name);
  }
  const H5Handle root = image.group("/");
  image.texts(root, "layer_names", layer_names);
  image.text(root, "backend", "tensorflow");
  image.text(root, "keras_version", "2.15.0");  // whose layout and names these are
  write_facts(image, facts);
  write_file_atomically(path, image.bytes());
}

}  // namespace sonograd
