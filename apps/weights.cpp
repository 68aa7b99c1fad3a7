#include <nlohmann/json.hpp>

#include "apps/model_flags.h"
#include "models/model_file.h"
#include "models/weights/dialect.h"
#include "models/zoo.h"

namespace sonograd {
namespace {

struct ListFlags {
  std::string file;
};

struct ConvertFlags {
  std::string from, to, model, names = "ours";
  std::vector<std::string> classes;
  bool partial = false;
};

// How a tensor lies in another program's file where it is not as ours: `oihw`, `2/3 of oi`, `flat`.
std::string layout_text(const NameRow& row) {
  std::string text = row.flat ? "flat" : row.axes;
  if (row.parts > 1)
    text = fmt::format("{}/{}{}{}", row.part + 1, row.parts, text.empty() ? "" : " of ", text);
  return text;
}

std::vector<Int> sizes(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

int list(const ListFlags& flags, bool as_json) {
  const WeightFile file = read_weights(flags.file);
  Int elements = 0;
  auto tensors = nlohmann::ordered_json::array();
  for (const StoredTensor& tensor : file.tensors) {
    elements += tensor.shape.elements();
    tensors.push_back(
        {{"name", tensor.name}, {"dtype", name_of(tensor.type)}, {"shape", sizes(tensor.shape)}});
  }
  if (as_json) {
    const nlohmann::ordered_json json{{"file", flags.file},
                                      {"format", name_of(file.format)},
                                      {"facts", file.facts},
                                      {"elements", elements},
                                      {"tensors", std::move(tensors)}};
    print_json(json);
    return 0;
  }
  fmt::print("{}: {}, {} tensors, {} numbers\n", flags.file, name_of(file.format), file.tensors.size(),
             elements);
  for (const auto& [key, value] : file.facts) fmt::print("{} = {}\n", key, value);
  for (const StoredTensor& tensor : file.tensors)
    fmt::print("{:<56} {:<4} {}\n", tensor.name, name_of(tensor.type), tensor.shape.text());
  return 0;
}

int names(const std::string& model, bool as_json) {
  const Slots slots = slots_of(make_model({.name = model}));
  nlohmann::ordered_json json{{"model", model}, {"dialects", nlohmann::ordered_json::object()}};
  for (const Dialect& dialect : dialects(model, slots)) {
    auto& rows = json["dialects"][dialect.name] = nlohmann::ordered_json::array();
    for (const NameRow& row : dialect.rows) {
      if (as_json)
        rows.push_back({{"name", row.name}, {"theirs", row.theirs}, {"layout", layout_text(row)}});
      else
        fmt::print("{}\t{}\t{}\t{}\n", dialect.name, row.name, row.theirs, layout_text(row));
    }
  }
  if (as_json) print_json(json);
  return 0;
}

void print_match(const Match& match, bool as_json) {
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {{"unused", &match.unused},
                                                                           {"missing", &match.missing},
                                                                           {"mismatched", &match.mismatched},
                                                                           {"left_out", &match.left_out},
                                                                           {"resized", &match.resized}};
  if (as_json) {
    nlohmann::ordered_json json{{"mapped", match.mapped.size()}, {"transposed", match.transposed.size()}};
    for (const auto& [name, names] : lists) json[name] = *names;
    print_json(json);
    return;
  }
  fmt::print("mapped {}, transposed {}, unused {}, missing {}, of another shape {}, left out {}\n",
             match.mapped.size(), match.transposed.size(), match.unused.size(), match.missing.size(),
             match.mismatched.size(), match.left_out.size());
  for (const auto& [name, names] : lists)
    for (const std::string& tensor : *names) fmt::print("{}: {}\n", name, tensor);
}

// What the file says of its model, and what the flags add to that.
Facts facts_of(const WeightFile& file, const ConvertFlags& flags) {
  Facts facts = file.facts;
  const auto say = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    const auto [fact, fresh] = facts.emplace(key, value);
    expect(fresh || fact->second == value,
           "{} says {} {}, but --{} is {}; leave the flag out, or choose another file", flags.from, key,
           fact->second, key, value);
  };
  say("model", flags.model);
  say("classes", fmt::format("{}", fmt::join(flags.classes, ",")));
  if (!facts.count("model")) throw UsageError("which model? {} does not say, so give --model", flags.from);
  return facts;
}

int convert(const ConvertFlags& flags, bool as_json) {
  format_to_write(flags.to, flags.names);  // throws before anything is printed
  WeightFile file = read_classifier(flags.from);
  const std::string name = facts_of(file, flags).at("model");
  const Model model = make_model(options_with_facts({}, facts_of(file, flags), flags.from));
  const Slots slots = slots_of(model);
  to_our_names(file, model);
  const Facts facts = facts_of(file, flags);  // with what the names told
  const Match found = match(file, slots);
  const Extent extent = flags.partial ? Extent::partial : Extent::whole;
  if (filled(found, slots, model.base_parameters(), extent) == Filled::nothing) {
    print_match(found, as_json);
    throw Error(mismatch_text(file, found, name, slots.size()));
  }
  write_model(flags.to, model, in_model_order(file, found, slots), facts, flags.names);
  print_match(found, as_json);
  return 0;
}

}  // namespace

void add_weights(Program& program) {
  const Command weights =
      program.add_group("weights", "Look into weight files and convert between their formats");

  const auto listed = std::make_shared<ListFlags>();
  const Command list_command =
      program.add_under(weights, "list", "The tensors of a weight file and what it says of its model",
                        "  sonograd weights list best.safetensors",
                        [listed, &program] { return list(*listed, program.shared.json); });
  const std::vector<std::string> unused{"--device", "--threads", "--seed", "--keras", "--quiet"};
  hide_flags(list_command, unused);
  list_command.add_option("file", listed->file, "weight file, told by content: " + weight_suffixes())
      .required();

  const auto model = std::make_shared<std::string>();
  const Command names_command = program.add_under(
      weights, "names", "What a model's tensors are called in the files of Keras, timm, torchvision and JAX",
      "  sonograd weights names vit_b16", [model, &program] { return names(*model, program.shared.json); });
  hide_flags(names_command, unused);
  names_command.add_option("model", *model, "model").required();

  const auto converted = std::make_shared<ConvertFlags>();
  const Command convert_command = program.add_under(
      weights, "convert", "Writes the weights of one file in the format that the other's suffix names",
      "  sonograd weights convert keras.weights.h5 ours.safetensors --model aeganb3\n"
      "  sonograd weights convert best.safetensors for_keras.keras\n"
      "  sonograd weights convert ViT-B_16.npz base.safetensors --model vit_b16 --partial\n"
      "  sonograd weights convert best.safetensors for_timm.safetensors --names timm",
      [converted, &program] { return convert(*converted, program.shared.json); });
  convert_command.add_option("from", converted->from, "weight file to read").required();
  convert_command.add_option("to", converted->to, "file to write: " + weight_suffixes()).required();
  convert_command.add_option("--model", converted->model, "model; may be left out where the weights name it");
  convert_command.add_option("--classes", converted->classes, "class names in the order of their codes")
      .delimiter(',')
      .check(class_name());
  convert_command
      .add_option("--names", converted->names, "whose names a .safetensors gets: ours, timm, torchvision")
      .check(one_of({"ours", "timm", "torchvision"}))
      .capture_default_str();
  hide_flags(convert_command, unused);
  convert_command.add_flag("--partial", converted->partial, "write what fits and list the rest");
}

}  // namespace sonograd
