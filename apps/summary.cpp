#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "models/summary.h"
#include "models/zoo.h"
#include "report/table.h"

namespace sonograd {
namespace {

struct Flags {
  ModelOptions model;
};

std::string with_commas(Int number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

void print_json(const ModelSummary& s, const std::string& name) {
  auto layers = nlohmann::ordered_json::array();
  for (const LayerSummary& layer : s.layers)
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"output", std::vector<Int>(layer.output.begin(), layer.output.end())},
                      {"params", layer.parameters},
                      {"macs", layer.macs},
                      {"activation_bytes", layer.activation_bytes}});
  const nlohmann::ordered_json json{{"model", name},
                                    {"params", s.parameters},
                                    {"trainable", s.trainable},
                                    {"trainable_transfer", s.trainable_transfer},
                                    {"trainable_finetune", s.trainable_finetune},
                                    {"macs", s.macs},
                                    {"activation_bytes", s.activation_bytes},
                                    {"layers", std::move(layers)}};
  sonograd::print_json(json);
}

void print_table(const ModelSummary& s, const std::string& name, Int image_size) {
  fmt::print("{}, one image of {} x {}\n\n", name, image_size, image_size);
  Table table{{"layer", "op", "output", "parameters", "multiply-adds", "activation bytes"}, {}};
  for (const LayerSummary& layer : s.layers)
    table.rows.push_back({layer.name, layer.op, layer.output.text(), with_commas(layer.parameters),
                          with_commas(layer.macs), with_commas(layer.activation_bytes)});
  fmt::print("{}", table.text());
  fmt::print("\n");
  const std::pair<const char*, Int> totals[] = {{"parameters", s.parameters},
                                                {"trainable", s.trainable},
                                                {"trainable in transfer", s.trainable_transfer},
                                                {"trainable in fine-tuning", s.trainable_finetune},
                                                {"multiply-adds of one image", s.macs},
                                                {"activation bytes of one image", s.activation_bytes}};
  for (const auto& [what, number] : totals) fmt::print("{:<32} {:>16}\n", what, with_commas(number));
}

}  // namespace

void add_summary(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add(
      "summary", "A model layer by layer: outputs, parameters, multiply-adds",
      "  sonograd summary --model aeganb3\n  sonograd summary --model efficientnetb3 --image-size 300 --json",
      [flags, &program] {
        const Device device = prepare_device(program.shared);
        const ModelSummary s = summarise(make_model(flags->model), device);
        if (program.shared.json)
          print_json(s, flags->model.name);
        else
          print_table(s, flags->model.name, flags->model.image_size);
        return 0;
      });
  command.add_option("--model", flags->model.name, "model").required();
  command.add_option("--image-size", flags->model.image_size, "height and width of the image")
      .check(positive())
      .capture_default_str();
  hide_flags(command, {"--batch-norm", "--attention", "--seed", "--keras", "--quiet"});
}

}  // namespace sonograd
