#include "models/weights/weight_file.h"

#include <algorithm>

#include "models/weights/keras_archive.h"
#include "models/weights/keras_h5.h"
#include "models/weights/keras_legacy_h5.h"
#include "models/weights/match.h"
#include "models/weights/npz.h"
#include "models/weights/open_file.h"
#include "models/weights/safetensors.h"

namespace sonograd {
namespace {

// A zip is what its members make it.
WeightFile read_zip(const std::filesystem::path& path) {
  WeightFile result{path, WeightFormat::npz, {}, {}};
  try {
    const auto archive = std::make_shared<const ZipReader>(path);
    const auto& members = archive->members();
    const auto ends_with = [&](std::string_view end) {
      return std::any_of(members.begin(), members.end(),
                         [&](const ZipReader::Member& member) { return member.name.ends_with(end); });
    };
    if (archive->find(keras_archive_weights)) {
      read_keras_archive(*archive, result);
    } else {
      expect(
          !ends_with("data.pkl"),
          "it is an archive of PyTorch, whose pickles are programs and are not run; save its state_dict as "
          ".safetensors");
      expect(ends_with(".npy"),
             "it is a zip without {} (.keras) and without .npy members (.npz); give a file of weights",
             keras_archive_weights);
      read_npz(archive, result);
    }
  } catch (Error& error) {
    error.prepend(fmt::format("cannot read {}: ", path.string()));
    throw;
  }
  return result;
}

}  // namespace

std::string_view name_of(WeightFormat format) {
  constexpr std::string_view names[] = {"safetensors", "Keras 3 .weights.h5", "Keras 3 .keras",
                                        "legacy Keras .h5", "NumPy .npz"};
  return names[static_cast<int>(format)];
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
  if (start.starts_with("PK")) return read_zip(path);
  if (start[8] == '{') return read_safetensors(path);
  throw Error(
      "cannot read {}: its first bytes are those of no weight format that is known; give a .safetensors, "
      ".weights.h5, .keras, .h5 or .npz",
      path.string());
}

void write_weights(const std::filesystem::path& path, const StoredTensors& tensors, const Facts& facts,
                   const Slots& slots, std::string_view names) {
  const std::string name = path.filename().string();
  const auto rows = [&](const char* dialect) {
    return dialect_named(dialect, facts.at("model"), slots).rows;
  };
  const bool ours = names == "ours";
  expect(
      ours || name.ends_with(".safetensors"),
      "cannot write {} under the names of {}: its suffix names another format; end the name in .safetensors",
      path.string(), names);
  if (!ours)
    write_safetensors(path, to_their_names(tensors, dialect_named(names, facts.at("model"), slots), facts),
                      facts);
  else if (name.ends_with(".safetensors"))
    write_safetensors(path, tensors, facts);
  else if (name.ends_with(".weights.h5"))
    write_keras_h5(path, tensors, rows("keras3"), facts);
  else if (name.ends_with(".h5"))
    write_keras_legacy_h5(path, tensors, rows("legacy"), facts);
  else if (name.ends_with(".npz"))
    write_npz(path, facts.at("model").starts_with("vit_") ? in_jax(tensors, rows("jax")) : tensors);
  else
    throw Error(
        "cannot write {}: its suffix names no format; end the name in .safetensors, .weights.h5 (Keras 3), "
        ".keras, .h5 (legacy Keras) or .npz",
        path.string());
}

}  // namespace sonograd
