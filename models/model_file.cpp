#include "models/model_file.h"

#include <charconv>
#include <sstream>

#include "base/text.h"
#include "models/keras_config.h"
#include "models/weights/dialect.h"
#include "models/weights/element_type.h"
#include "models/weights/keras_archive.h"
#include "models/weights/keras_h5.h"
#include "models/weights/keras_legacy_h5.h"
#include "models/weights/keras_structure.h"
#include "models/weights/npz.h"
#include "models/weights/safetensors.h"

namespace sonograd {
namespace {

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) list.push_back(part);
  return list;
}

// Facts come from files of others: nothing in them is believed.
Int whole_number(const std::string& text) {
  Int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  expect(error == std::errc() && end == text.data() + text.size() && number > 0,
         "its image_size is {}, which is no size; write it again with another header", printable(text));
  return number;
}

// Whether `text` is the second of two words; an Error where it is neither.
bool is_second(const std::string& key, const std::string& text, const char* first, const char* second) {
  expect(text == first || text == second,
         "its {} is {}, which is neither {} nor {}; write it again with another header", key, printable(text),
         first, second);
  return text == second;
}

// The structure that a .keras holds beside the weights.
std::string config_for(const std::filesystem::path& path, const Model& model, const StoredTensors& tensors) {
  const std::size_t all = model.parameters().size();
  expect(tensors.size() == all,
         "cannot write {}: a .keras holds a whole model, {} of {} tensors are there; write a .weights.h5",
         path.string(), tensors.size(), all);
  try {
    return keras_config(model);
  } catch (Error& error) {
    error.prepend(fmt::format("cannot write {}: ", path.string()));
    throw;
  }
}

StoredTensors in_jax_if_known(const StoredTensors& tensors, const Model& model, const Slots& slots) {
  for (const Dialect& dialect : dialects(model.options().name, slots))
    if (dialect.name == "jax") return in_jax(tensors, dialect.rows);
  return tensors;
}

// A normalization's count is an integer, as in Keras' own files; models have no other scalars.
StoredTensors with_whole_count(StoredTensors tensors) {
  for (StoredTensor& tensor : tensors)
    if (tensor.shape.rank() == 0) tensor.type = ElementType::i64;
  return tensors;
}

// Whether the model begins with a scaling of its input, which has two forms.
bool scales_input(const Model& model) {
  const auto* const base = model.base().get_if<Chain>();
  return base && !base->layers().empty() && base->layers().front().layer.get_if<InputScaling>();
}

}  // namespace

Slots slots_of(const Model& model) {
  Slots slots;
  for (const auto& [name, parameter] : model.parameters()) slots.push_back({name, parameter->shape});
  return slots;
}

// A Keras model that computes something else than ours with the same weights is refused. Pixels scaled to -1
// … 1 by a layer are our preprocessing `tf`.
static void check_structure(WeightFile& file, const Model& model) {
  const auto taken = [&](const char* key) {
    const auto fact = file.facts.find(key);
    if (fact == file.facts.end()) return std::string();
    std::string value = fact->second;
    file.facts.erase(fact);
    return value;
  };
  const std::string end = taken(ends_in), scaled = taken(rescalings), other = taken(strangers),
                    &name = model.options().name;
  expect(other.empty(),
         "{}: its {} compute what {} here does not, so that answers would differ; take them out in Keras, or "
         "give weights of what is left",
         file.path.string(), printable(other), name);
  expect(end.empty() || end == "softmax" || end == "linear",
         "{}: its last layer ends in a {}, but {} here ends in a softmax; train --fresh-head takes its base "
         "alone",
         file.path.string(), printable(end), name);
  if (scaled.empty()) return;
  constexpr std::string_view plain = "0.00392157 x + 0";
  if (scales_input(model) &&
      (scaled == plain || (scaled.starts_with(plain) && scaled.ends_with("; […] x + 0"))))
    return;
  expect(
      !scales_input(model) && scaled == "0.00784314 x + -1",
      "{}: its layers Rescaling compute {}, which {} here does not; take them out in Keras, or give weights "
      "without them",
      file.path.string(), printable(scaled), name);
  file.facts.emplace("preprocess", "tf");
}

void to_our_names(WeightFile& file, const Model& model) {
  check_structure(file, model);
  to_our_names(file, model.options().name, slots_of(model), model.base_parameters());
}

Loaded load_values(Model& model, WeightFile file, Extent extent) {
  Slots slots;
  for (const auto& [name, parameter] : model.parameters())
    slots.push_back({name, parameter->shape, &parameter->value});
  return load_weights(std::move(file), model.options().name, slots, model.base_parameters(), extent);
}

void load_values(Model& model, const std::filesystem::path& path) {
  load_values(model, read_weights(path));
}

WeightFormat format_to_write(const std::filesystem::path& path, std::string_view names) {
  const auto format = format_by_suffix(path);
  expect(format.has_value(), "cannot write {}: its suffix names no format; end the name in {}", path.string(),
         weight_suffixes());
  expect(names == "ours" || *format == WeightFormat::safetensors,
         "cannot write {} under the names of {}: its suffix names another format; end the name in "
         ".safetensors",
         path.string(), names);
  return *format;
}

void write_model(const std::filesystem::path& path, const Model& model, const StoredTensors& given,
                 const Facts& facts, std::string_view names) {
  const WeightFormat format = format_to_write(path, names);
  const StoredTensors tensors = with_whole_count(given);
  const Slots slots = slots_of(model);
  const auto dialect = [&](std::string_view name) {
    return dialect_named(name, model.options().name, slots);
  };
  const auto renamed = [&]() -> StoredTensors {
    try {
      return to_their_names(tensors, dialect(names), facts);
    } catch (Error& error) {
      error.prepend(fmt::format("cannot write {}: ", path.string()));
      throw;
    }
  };
  if (names != "ours") return write_safetensors(path, renamed(), facts);
  switch (format) {
    case WeightFormat::safetensors:
      return write_safetensors(path, tensors, facts);
    case WeightFormat::keras3_h5:
      return write_keras_h5(path, tensors, dialect("keras3").rows, facts);
    case WeightFormat::keras_archive:
      return write_keras_archive(path, config_for(path, model, tensors), tensors, dialect("keras3").rows,
                                 facts);
    case WeightFormat::legacy_h5:
      return write_keras_legacy_h5(path, tensors, dialect("legacy").rows, facts);
    case WeightFormat::npz:
      return write_npz(path, in_jax_if_known(tensors, model, slots), facts);
  }
}

void save_model(const Model& model, const std::filesystem::path& path) {
  const ModelOptions& o = model.options();
  StoredTensors tensors;
  for (const auto& [name, parameter] : model.parameters())
    tensors.push_back(stored(name, parameter->value.to(DType::f32)));
  Facts facts{{"model", o.name},
              {"classes", fmt::format("{}", fmt::join(o.classes, ","))},
              {"image_size", std::to_string(o.image_size)},
              {"pooling", name_of(o.pooling)},
              {"keras", std::to_string(static_cast<int>(o.keras))},
              {"preprocess", std::string(name_of(o.preprocess))}};
  if (scales_input(model)) facts["input"] = name_of(o.input);
  write_model(path, model, tensors, facts);
}

ModelOptions options_with_facts(ModelOptions options, const Facts& facts,
                                const std::filesystem::path& path) try {
  for (const auto& [key, value] : facts) {
    if (key == "model") options.name = value;
    if (key == "classes") options.classes = split_list(value);
    if (key == "image_size") options.image_size = whole_number(value);
    if (key == "input")
      options.input = is_second(key, value, "plain", "imagenet") ? InputForm::imagenet : InputForm::plain;
    if (key == "pooling")
      options.pooling = is_second(key, value, "avg", "max") ? Pooling::max : Pooling::average;
    if (key == "keras") options.keras = is_second(key, value, "2", "3") ? Keras::v3 : Keras::v2;
    if (key == "preprocess") {
      expect(is_preprocess(value),
             "its preprocess is {}, which is none of raw, tf, torch; write it again with another header",
             printable(value));
      options.preprocess = preprocess_named(value);
    }
  }
  return options;
} catch (Error& error) {
  error.prepend(path.string() + ": ");
  throw;
}

}  // namespace sonograd
