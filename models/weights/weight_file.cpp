#include "models/weights/weight_file.h"

#include <algorithm>
#include <array>

#include "models/weights/keras_archive.h"
#include "models/weights/keras_h5.h"
#include "models/weights/npz.h"
#include "models/weights/open_file.h"
#include "models/weights/safetensors.h"

namespace sonograd {
namespace {

struct FormatFacts {
  std::string_view suffix, whose;
};
// In WeightFormat's order; of those that fit a name the first counts.
constexpr std::array<FormatFacts, 5> formats{{{".safetensors", ""},
                                              {".weights.h5", "Keras 3"},
                                              {".keras", "Keras 3"},
                                              {".h5", "legacy Keras"},
                                              {".npz", "NumPy"}}};

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

std::string name_of(WeightFormat format) {
  const auto& [suffix, whose] = formats[static_cast<std::size_t>(format)];
  return whose.empty() ? std::string(suffix.substr(1)) : fmt::format("{} {}", whose, suffix);
}

std::optional<WeightFormat> format_by_suffix(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  for (std::size_t i = 0; i < formats.size(); ++i)
    if (name.ends_with(formats[i].suffix)) return static_cast<WeightFormat>(i);
  return {};
}

std::string weight_suffixes() {
  std::string text;
  for (const auto& [suffix, whose] : formats) {
    if (!text.empty()) text += suffix == formats.back().suffix ? " or " : ", ";
    text += suffix;
    if (!whose.empty()) text += fmt::format(" ({})", whose);
  }
  return text;
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
  throw Error("cannot read {}: its first bytes are those of no weight format that is known; give a {}",
              path.string(), weight_suffixes());
}

}  // namespace sonograd
