#include <algorithm>
#include <cmath>
#include <list>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/h5_tensors.h"
#include "models/weights/h5_texts.h"
#include "models/weights/keras_legacy_h5.h"
#include "models/weights/keras_structure.h"

namespace sonograd {
namespace {

using Names = std::vector<std::string>;

constexpr std::size_t most_tensors = 100'000;

// The list under its name, or in the parts name0, name1, ….
Names string_list(hid_t group, const std::string& name, Int file_bytes) {
  if (H5Aexists(group, name.c_str()) > 0) return h5_texts(group, name, file_bytes);
  Names all;
  for (int part = 0;; ++part) {
    const std::string part_name = name + std::to_string(part);
    if (H5Aexists(group, part_name.c_str()) <= 0) break;
    const Names names = h5_texts(group, part_name, file_bytes);
    all.insert(all.end(), names.begin(), names.end());
    expect(all.size() <= most_tensors, "its list {} names more than {}; {}", name, most_tensors, damaged);
  }
  return all;
}

// Where the layers' groups lie: the root, or below it in the file of a whole model.
std::string above_layers(const H5Tensors& file) {
  return file.holds("/model_weights") ? "/model_weights" : "";
}

// ImageNet's form of EfficientNet scales twice; the published files have the standard deviations as variance.
bool has_deviations(const StoredTensor& variance) try {
  constexpr double deviations[] = {0.229, 0.224, 0.225}, close = 1e-6;
  if (variance.shape != Shape{3}) return false;
  const std::vector<double> values = variance.read().values();
  return std::equal(values.begin(), values.end(), deviations,
                    [&](double a, double b) { return std::abs(a - b) <= close; });
} catch (const Error&) {
  return false;  // what is wrong with it is told where it is loaded
}

// The layer that a weight `base/conv/kernel` is of.
std::string layer_of(const std::string& weight) {
  return weight.substr(0, weight.rfind('/') + 1);
}

// Whether a weight is a statistic of the data, which no gradient trains.
bool is_statistic(const std::string& weight) {
  const std::string name = weight.substr(layer_of(weight).size());
  const std::string word = name.substr(0, name.find(':'));
  return word == "mean" || word == "variance" || word == "count" || word.starts_with("moving_");
}

// A model that stands as one layer lists all that it trains first, then its statistics; here layer by layer
// again. Both parts keep the layers' order: one of statistics alone comes after the one before it in the
// second part, or first.
Names layer_by_layer(Names weights) {
  std::list<std::string> layers;
  std::unordered_map<std::string, std::list<std::string>::iterator> place;
  for (const bool statistics : {false, true}) {
    auto next = statistics ? layers.begin() : layers.end();
    for (const std::string& weight : weights) {
      if (is_statistic(weight) != statistics) continue;
      const auto [layer, fresh] = place.try_emplace(layer_of(weight));
      if (fresh) layer->second = layers.insert(next, layer->first);
      next = std::next(layer->second);
    }
  }
  std::unordered_map<std::string, std::size_t> rank;
  for (const std::string& layer : layers) rank.emplace(layer, rank.size());
  std::stable_sort(weights.begin(), weights.end(), [&](const std::string& a, const std::string& b) {
    return rank.at(layer_of(a)) < rank.at(layer_of(b));
  });
  return weights;
}

}  // namespace

bool is_keras_legacy(const H5Tensors& file) {
  return file.holds("/model_weights") || H5Aexists(file.id(), "layer_names") > 0 ||
         H5Aexists(file.id(), "layer_names0") > 0;
}

void read_keras_legacy(const H5Tensors& file, WeightFile& into) {
  into.format = WeightFormat::legacy_h5;
  read_facts(file, into.facts);
  const std::string above = above_layers(file);
  const auto open_group = [&](const std::string& path) {
    expect(path == "/" || file.holds(path), "it names the layer {} and holds no such group; {}",
           printable(path), damaged);
    return h5_open(H5Gopen2(file.id(), path.c_str(), H5P_DEFAULT), H5Gclose);
  };
  const Names layers = string_list(open_group(above.empty() ? "/" : above), "layer_names", file.bytes());
  expect(!layers.empty(), "it names no layers; {}", damaged);
  std::set<std::string> seen, names;
  int scalings = 0;
  for (const std::string& layer : layers) {
    const std::string path = fmt::format("{}/{}", above, layer);
    expect(!layer.empty() && seen.insert(path).second, "it names the layer {} twice; {}", printable(layer),
           damaged);
    scalings += layer.starts_with("rescaling");
    for (const std::string& weight :
         layer_by_layer(string_list(open_group(path), "weight_names", file.bytes()))) {
      const std::string dataset = fmt::format("{}/{}", path, weight);
      expect(!weight.empty() && file.holds(dataset), "it names the tensor {} and does not hold it; {}",
             printable(dataset), damaged);
      expect(seen.insert(dataset).second, "it names the tensor {} twice; {}", printable(dataset), damaged);
      expect(into.tensors.size() < most_tensors, "it has more than {} tensors; {}", most_tensors, damaged);
      into.tensors.push_back(file.tensor(dataset));
      if (names.insert(weight).second) into.tensors.back().name = weight;
      if (weight.find("normalization/variance") != std::string::npos)
        into.facts["input"] = has_deviations(into.tensors.back()) ? "imagenet" : "plain";
    }
  }
  if (scalings >= 2) into.facts["input"] = "imagenet";
  if (H5Aexists(file.id(), "model_config") > 0)
    for (const std::string& config : h5_texts(file.id(), "model_config", file.bytes()))
      read_structure(config, into.facts);
}

}  // namespace sonograd
