#include "models/weights/keras_structure.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

namespace sonograd {
namespace {

using nlohmann::json;

// Null where there is none: what others wrote may have any form.
const json& member(const json& object, const char* name) {
  static const json none;
  return object.is_object() && object.contains(name) ? object[name] : none;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

// The layers in the model's order, those of models that stand as one layer in its place.
void collect(const json& model, std::vector<const json*>& layers, int depth = 0) {
  constexpr int deepest = 8;
  for (const json& layer : member(member(model, "config"), "layers")) {
    if (member(member(layer, "config"), "layers").is_array()) {
      if (depth < deepest) collect(layer, layers, depth + 1);
    } else {
      layers.push_back(&layer);
    }
  }
}

// [batch, height, width, channels]: Keras 3's name, then Keras 2's.
const json& input_shape(const json& config) {
  const json& shape = member(config, "batch_shape");
  return shape.is_null() ? member(config, "batch_input_shape") : shape;
}

void read_image_size(const std::vector<const json*>& layers, Facts& into) {
  for (const json* layer : layers) {
    const json& shape = input_shape(member(*layer, "config"));
    if (!shape.is_array() || shape.size() != 4) continue;
    if (shape[1].is_number_unsigned() && shape[1] == shape[2]) into.emplace("image_size", shape[1].dump());
    return;
  }
}

// The pooling under the head, and what the classifier ends in.
void read_head(const std::vector<const json*>& layers, Facts& into) {
  if (layers.empty()) return;
  const std::string last = text_of(member(*layers.back(), "class_name"));
  if (last != "Dense" && last != "Activation") return;
  const std::string activation = text_of(member(member(*layers.back(), "config"), "activation"));
  const bool classifies = last == "Dense" || activation == "softmax" || activation == "sigmoid";
  if (!classifies) return;
  if (!activation.empty()) into.emplace(ends_in, activation);
  for (const json* layer : layers) {
    const std::string kind = text_of(member(*layer, "class_name"));
    if (kind == "GlobalAveragePooling2D") into["pooling"] = "avg";
    if (kind == "GlobalMaxPooling2D") into["pooling"] = "max";
  }
}

// scale * x + offset of each Rescaling, in their order; a list of numbers is `[…]`.
void read_rescalings(const std::vector<const json*>& layers, Facts& into) {
  std::string all;
  for (const json* layer : layers) {
    if (member(*layer, "class_name") != "Rescaling") continue;
    const json& config = member(*layer, "config");
    const auto number = [&](const char* name) {
      const json& value = member(config, name);
      return value.is_number() ? fmt::format("{:.6g}", value.get<double>()) : value.is_array() ? "[…]" : "?";
    };
    all += fmt::format("{}{} x + {}", all.empty() ? "" : "; ", number("scale"), number("offset"));
  }
  if (!all.empty()) into.emplace(rescalings, all);
}

// Layers of our models, as Keras and vit-keras have them, and those that do nothing in inference.
bool is_known(const json& layer) {
  constexpr std::string_view kinds[] = {"Activation",
                                        "ActivityRegularization",
                                        "Add",
                                        "AddPositionEmbs",
                                        "AveragePooling2D",
                                        "BatchNormalization",
                                        "ClassToken",
                                        "Concatenate",
                                        "Conv2D",
                                        "Dense",
                                        "DepthwiseConv2D",
                                        "Dropout",
                                        "Flatten",
                                        "GaussianDropout",
                                        "GaussianNoise",
                                        "GlobalAveragePooling2D",
                                        "GlobalMaxPooling2D",
                                        "InputLayer",
                                        "LayerNormalization",
                                        "MaxPooling2D",
                                        "MultiHeadAttention",
                                        "Multiply",
                                        "Normalization",
                                        "ReLU",
                                        "Rescaling",
                                        "Reshape",
                                        "SeparableConv2D",
                                        "SpatialDropout2D",
                                        "TransformerBlock",
                                        "ZeroPadding2D"};
  constexpr std::string_view activations[] = {"",        "gelu", "linear",  "relu",
                                              "sigmoid", "silu", "softmax", "swish"};
  const auto is_among = [](const auto& list, const std::string& word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
  };
  const std::string kind = text_of(member(layer, "class_name")), module = text_of(member(layer, "module"));
  if (module.find(".ops") != std::string::npos) return false;  // an operation, such as x / 127.5
  if (kind == "Lambda")
    return text_of(member(member(layer, "config"), "name")) == "ExtractToken";  // vit-keras'
  if (kind == "Activation")
    return is_among(activations, text_of(member(member(layer, "config"), "activation")));
  return kind.starts_with("Random") || is_among(kinds, kind);
}

void read_strangers(const std::vector<const json*>& layers, Facts& into) {
  std::string all;
  for (const json* layer : layers) {
    const std::string kind = text_of(member(*layer, "class_name"));
    if (!kind.empty() && !is_known(*layer)) all += (all.empty() ? "" : ", ") + kind;
  }
  if (!all.empty()) into.emplace(strangers, all);
}

}  // namespace

void read_structure(const std::string& config, Facts& into) {
  const json model = json::parse(config, nullptr, /*allow_exceptions=*/false);
  std::vector<const json*> layers;
  collect(model, layers);
  Facts told;
  read_image_size(layers, told);
  read_head(layers, told);
  read_rescalings(layers, told);
  read_strangers(layers, told);
  into.merge(told);  // what is there already stays
}

}  // namespace sonograd
