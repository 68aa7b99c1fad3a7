#include <algorithm>
#include <map>
#include <set>

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

bool is_state(const std::string& dataset) {
  return dataset.find("seed_generator") != std::string::npos;
}

// A base that stands as one layer `base`, with a head behind it, under the names of the flat model: the
// base's layers lose their outer name, the head's go on counting where those of their class end.
class Flattened {
 public:
  explicit Flattened(const Contents& contents) {
    std::set<std::string> models;
    for (const std::string& dataset : contents.datasets) {
      const std::size_t end = dataset.find(inner);
      if (end != std::string::npos && !is_state(dataset)) models.insert(dataset.substr(0, end) + inner);
    }
    if (models.size() != 1) return;
    base = *models.begin();
    for (const std::string& group : contents.groups) {
      if (!group.starts_with(base)) continue;
      const Counted layer(group.substr(base.size()));
      if (layer.rest.empty()) count[layer.kind] = std::max(count[layer.kind], layer.number + 1);
    }
  }

  std::string name(const std::string& path) const {
    if (base.empty()) return path;
    if (path.starts_with(base)) return path.substr(base.size());
    const Counted layer(path);
    const auto before = count.find(layer.kind);
    const Int number = layer.number + (before == count.end() ? 0 : before->second);
    return layer.kind + (number == 0 ? "" : fmt::format("_{}", number)) + layer.rest;
  }

 private:
  static constexpr auto inner = "/layers/";

  // conv2d_12/vars/0: the 12th after the first of its class.
  struct Counted {
    std::string kind, rest;
    Int number = 0;

    explicit Counted(const std::string& path) : kind(path.substr(0, path.find('/'))) {
      rest = path.substr(kind.size());
      const std::size_t mark = kind.find_last_not_of("0123456789");
      const std::size_t digits = kind.size() - mark - 1;
      if (mark == std::string::npos || kind[mark] != '_' || digits == 0 || digits > 6) return;
      number = std::stoi(kind.substr(mark + 1));
      kind.resize(mark);
    }
  };

  std::string base;  // with the end of `inner`; empty where the model is flat
  std::map<std::string, Int> count;
};

}  // namespace

void read_keras3(const H5Tensors& file, WeightFile& into) {
  read_facts(file, into.facts);
  expect(
      file.holds("layers"),
      "it has no group /layers, as Keras 3 writes it, and no layer_names, as legacy Keras files have; load "
      "it in Keras and save it with model.save_weights(\"x.weights.h5\")");
  const Contents contents = list_layers(file.id());
  const Flattened flat(contents);
  for (const std::string& dataset : contents.datasets) {
    if (is_state(dataset)) continue;
    into.tensors.push_back(file.tensor("/layers/" + dataset));
    into.tensors.back().name = "/layers/" + flat.name(dataset);
  }
  const auto has = [&](const char* layer) {
    return std::any_of(contents.groups.begin(), contents.groups.end(),
                       [&](const std::string& group) { return flat.name(group) == layer; });
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
