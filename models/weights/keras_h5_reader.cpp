#include <algorithm>

#include "models/weights/element_type.h"
#include "models/weights/h5_tensors.h"
#include "models/weights/h5_texts.h"
#include "models/weights/keras_h5.h"
#include "models/weights/keras_legacy_h5.h"

namespace sonograd {
namespace {

struct Contents {
  std::vector<std::string> groups, datasets;  // paths below /layers, in the order of names
};

Contents list_layers(hid_t file) {
  Contents contents;
  const auto note = [](hid_t, const char* name, const H5O_info_t* info, void* data) -> herr_t {
    auto& contents = *static_cast<Contents*>(data);
    if (info->type == H5O_TYPE_GROUP) contents.groups.emplace_back(name);
    if (info->type == H5O_TYPE_DATASET) contents.datasets.emplace_back(name);
    return 0;
  };
  const herr_t answer = H5Ovisit_by_name2(file, "layers", H5_INDEX_NAME, H5_ITER_INC, note, &contents,
                                          H5O_INFO_BASIC, H5P_DEFAULT);
  expect(answer >= 0, "HDF5 cannot list its layers ({}); {}", h5_reason(), damaged);
  return contents;
}

}  // namespace

void read_keras3(const H5Tensors& file, WeightFile& into) {
  read_facts(file, into.facts);
  expect(
      file.holds("layers"),
      "it has no group /layers, as Keras 3 writes it, and no layer_names, as legacy Keras files have; load "
      "it in Keras and save it with model.save_weights(\"x.weights.h5\")");
  const Contents contents = list_layers(file.id());
  for (const std::string& name : contents.datasets)
    if (name.find("seed_generator") == std::string::npos)
      into.tensors.push_back(file.tensor("/layers/" + name));
  const auto has = [&](const char* group) {
    return std::find(contents.groups.begin(), contents.groups.end(), group) != contents.groups.end();
  };
  if (has("normalization")) into.facts["input"] = has("rescaling_1") ? "imagenet" : "plain";
}

WeightFile read_keras_h5(const std::filesystem::path& path) {
  const H5Quiet quiet;
  WeightFile result{path, WeightFormat::keras3_h5, {}, {}};
  try {
    const H5Tensors file(path, path);
    if (is_keras_legacy(file))
      read_keras_legacy(file, result);
    else
      read_keras3(file, result);
  } catch (Error& error) {
    error.prepend(fmt::format("cannot read {}: ", path.string()));
    throw;
  }
  return result;
}

}  // namespace sonograd
