#include "models/weights/keras_structure.h"

#include <nlohmann/json.hpp>

namespace sonograd {
namespace {

using nlohmann::json;

// Null where there is none: what others wrote may have any form.
const json& member(const json& object, const char* name) {
  static const json none;
  return object.is_object() && object.contains(name) ? object[name] : none;
}

// [batch, height, width, channels]: Keras 3's name, then Keras 2's.
const json& input_shape(const json& layer) {
  const json& config = member(layer, "config");
  const json& shape = member(config, "batch_shape");
  return shape.is_null() ? member(config, "batch_input_shape") : shape;
}

}  // namespace

void read_structure(const std::string& config, Facts& into) {
  const json model = json::parse(config, nullptr, /*allow_exceptions=*/false);
  for (const json& layer : member(member(model, "config"), "layers")) {
    const json& shape = input_shape(layer);
    if (!shape.is_array() || shape.size() != 4) continue;
    if (shape[1].is_number_unsigned() && shape[1] == shape[2]) into.emplace("image_size", shape[1].dump());
    return;
  }
}

}  // namespace sonograd
