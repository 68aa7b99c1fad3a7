#include "models/weights/weight_file.h"

#include "models/weights/keras_h5.h"
#include "models/weights/open_file.h"
#include "models/weights/safetensors.h"

namespace sonograd {

std::string_view name_of(WeightFormat format) {
  switch (format) {
    case WeightFormat::safetensors:
      return "safetensors";
    case WeightFormat::keras3_h5:
      return "Keras 3 .weights.h5";
    case WeightFormat::legacy_h5:
      return "legacy Keras .h5";
  }
  return {};
}

StoredTensor stored(std::string name, const Tensor& value) {
  const ElementType type = value.dtype() == DType::f32 ? ElementType::f32 : ElementType::f64;
  return {std::move(name), value.shape(), type, [value] { return value.as_dense(); }};
}

WeightFile read_weights(const std::filesystem::path& path) {
  const OpenFile file(path);
  const std::string start = file.read(0, std::min<Int>(file.size(), 9));
  expect(start.size() == 9,
         "cannot read {}: {} bytes are too few for a weight file; copy or download it again", path.string(),
         start.size());
  if (start.starts_with("\x89HDF\r\n\x1a\n")) return read_keras_h5(path);
  expect(!start.starts_with("PK"),
         "cannot read {}: it is an archive (.keras or .npz), which is not read; load it in Keras and save it "
         "with "
         "model.save_weights(\"x.weights.h5\")",
         path.string());
  if (start[8] == '{') return read_safetensors(path);
  throw Error(
      "cannot read {}: its first bytes are those of no weight format that is known; give a .safetensors or a "
      "Keras 3 .weights.h5",
      path.string());
}

void write_weights(const std::filesystem::path& path, const StoredTensors& tensors, const Facts& facts,
                   const Slots& slots) {
  const std::filesystem::path suffix = path.extension();
  expect(suffix == ".safetensors" || suffix == ".h5",
         "cannot write {}: its suffix names no format; end the name in .safetensors or .weights.h5",
         path.string());
  if (suffix == ".h5")
    write_keras_h5(path, tensors, dialect_named("keras3", facts.at("model"), slots).rows, facts);
  else
    write_safetensors(path, tensors, facts);
}

}  // namespace sonograd
