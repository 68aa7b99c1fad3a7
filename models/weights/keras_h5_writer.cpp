#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/h5_image.h"
#include "models/weights/h5_texts.h"
#include "models/weights/keras_h5.h"

namespace sonograd {
namespace {

// Keras' name of the layer that holds a tensor: our path to it; its last word where the layer is inside
// another.
std::string layer_name(const NameRow& row) {
  std::string path = row.name.substr(0, row.name.rfind('.'));
  if (std::count(row.group.begin(), row.group.end(), '/') > 2) return path.substr(path.rfind('.') + 1);
  std::replace(path.begin(), path.end(), '.', '_');
  return path;
}

// The group `vars` of a layer with the layer's name on it.
void make_vars(H5Image& image, const std::string& vars, const std::string& layer) {
  image.text(image.group(vars), "name", layer);
}

}  // namespace

const NameRow& keras_row(const NameMap& names, const StoredTensor& tensor,
                         const std::filesystem::path& path) {
  const auto row =
      std::find_if(names.begin(), names.end(), [&](const NameRow& r) { return r.name == tensor.name; });
  expect(row != names.end(),
         "cannot write {}: Keras has no place for tensor {}; name the model that it belongs to",
         path.string(), printable(tensor.name));
  return *row;
}

ElementType keras_type(const StoredTensor& tensor) {
  const bool count = tensor.shape.rank() == 0;  // of a normalization: Keras has no other scalars
  return count ? ElementType::i64 : written_type(tensor.type);
}

void fill_keras3(H5Image& image, const std::filesystem::path& path, const StoredTensors& tensors,
                 const NameMap& names, const Facts& facts) {
  for (const StoredTensor& tensor : tensors) {
    const NameRow& row = keras_row(names, tensor, path);
    make_vars(image, row.theirs.substr(0, row.theirs.rfind('/')), layer_name(row));
    image.tensor(row.theirs, keras_type(tensor), tensor.read());
  }
  const auto input = facts.find("input");
  if (input != facts.end()) make_vars(image, "/layers/rescaling/vars", "rescaling");
  if (input != facts.end() && input->second == "imagenet")
    make_vars(image, "/layers/rescaling_1/vars", "rescaling_1");
  make_vars(image, "/vars", "functional");
  write_facts(image, facts);
}

void write_keras_h5(const std::filesystem::path& path, const StoredTensors& tensors, const NameMap& names,
                    const Facts& facts) {
  H5Image image;
  fill_keras3(image, path, tensors, names, facts);
  write_file_atomically(path, image.bytes());
}

}  // namespace sonograd
