#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace sonograd {

// How the elements lie in a file. In memory f64 and i64 become f64 tensors, the others f32.
enum class ElementType { f64, f32, f16, bf16, i64 };
std::string_view name_of(ElementType type);  // F64, F32, F16, BF16, I64: safetensors' words

// A tensor of a weight file, known by its header; read() brings its elements, dense and of `shape`. It may
// throw Error, and it keeps the file open: a model is read tensor by tensor and is never in memory twice.
struct StoredTensor {
  std::string name;
  Shape shape;
  ElementType type;
  std::function<Tensor()> read;
  bool transposed = false;  // its axes lie in another order in the file
};
using StoredTensors = std::vector<StoredTensor>;

// A tensor in memory, as one to write.
StoredTensor stored(std::string name, const Tensor& value);

// The formats, told by content when a file is read and by the end of its name when one is written.
enum class WeightFormat { safetensors, keras3_h5, keras_archive, legacy_h5, npz };
std::string name_of(WeightFormat format);  // Keras 3 .weights.h5
std::optional<WeightFormat> format_by_suffix(const std::filesystem::path& path);
std::string weight_suffixes();  // of all: `.safetensors, .weights.h5 (Keras 3), … or .npz (NumPy)`

// What a weight file says about its model: `model`, `classes`, `image_size`, `input`, `pooling`, `keras`,
// `preprocess`. Our safetensors keep them in the header, our Keras files in an attribute, our .npz in the
// archive's comment; of what Keras wrote only `input` (imagenet or plain) can be told, and of a whole model
// `image_size` and `pooling`.
using Facts = std::map<std::string, std::string>;

// A parameter of a model, as a place to load into.
struct Slot {
  std::string name;
  Shape shape;
  Tensor* value = nullptr;  // null where nothing is to be loaded, as for a conversion
};
using Slots = std::vector<Slot>;

struct WeightFile {
  std::filesystem::path path;
  WeightFormat format;
  StoredTensors tensors;  // in the file's order, under the file's names
  Facts facts;
  std::string dialect{};                // whose names those were, once they are ours (models/weights/match.h)
  std::vector<std::string> left_out{};  // what was taken out then: a head for other classes
  std::vector<std::string> resized{};   // position embeddings that were for another image size
};

// Opens a weight file of any format that is known, told by content. Throws Error `cannot read <path>: …`, one
// line, for a file that is damaged, cut short, hostile or of another kind.
WeightFile read_weights(const std::filesystem::path& path);

}  // namespace sonograd
