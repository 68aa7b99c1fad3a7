#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/npy.h"
#include "models/weights/npz.h"

namespace sonograd {
namespace {

// The shape with the axis of the heads cut in two.
Shape with_heads(const NameRow& row) {
  constexpr Int head_size = 64;
  const Shape& shape = row.shape;
  if (shape.rank() == 2 && row.theirs.ends_with("/out/kernel"))
    return {shape[0] / head_size, head_size, shape[1]};
  return shape.rank() == 2 ? Shape{shape[0], shape[1] / head_size, head_size}
                           : Shape{shape[0] / head_size, head_size};
}

}  // namespace

StoredTensors in_jax(StoredTensors tensors, const NameMap& rows) {
  for (StoredTensor& tensor : tensors) {
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const NameRow& r) { return r.name == tensor.name; });
    expect(row != rows.end(), "JAX has no place for tensor {}; name the model that it belongs to",
           printable(tensor.name));
    tensor.name = row->theirs;
    if (!row->flat || row->theirs.ends_with("/out/bias")) continue;
    tensor.shape = with_heads(*row);
    tensor.read = [read = std::move(tensor.read), shape = tensor.shape] { return read().reshaped(shape); };
  }
  return tensors;
}

void write_npz(const std::filesystem::path& path, const StoredTensors& tensors, const Facts& facts) {
  ZipWriter archive(path);
  for (const StoredTensor& tensor : tensors) {
    const ElementType type = written_type(tensor.type);
    std::string bytes = npy_header(type == ElementType::f64   ? "<f8"
                                   : type == ElementType::i64 ? "<i8"
                                                              : "<f4",
                                   tensor.shape);
    encode(type, tensor.read(),
           [&](const void* data, std::size_t size) { bytes.append(static_cast<const char*>(data), size); });
    archive.add(tensor.name + ".npy", bytes);
  }
  if (!facts.empty()) archive.set_comment(nlohmann::json{{"sonograd", facts}}.dump());
  archive.commit();
}

}  // namespace sonograd
