#include "models/zoo.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "report/table.h"

namespace sonograd {
namespace {

using nlohmann::ordered_json;

Int parameters_of(const ZooEntry& entry) {
  return count_elements(make_model({.name = entry.name}).parameters(), [](const Parameter&) { return true; });
}

std::string pooling_text(const ZooEntry& entry) {
  return entry.notebook_pooling ? name_of(*entry.notebook_pooling) : "";
}

ordered_json as_json(const ZooEntry& entry) {
  auto files = ordered_json::array();
  for (const OfficialFile& file : entry.files)
    files.push_back({{"name", file.name}, {"address", file.address}, {"md5", file.md5}, {"top", file.top}});
  return {
      {"name", entry.name},
      {"description", entry.description},
      {"parameters", parameters_of(entry)},
      {"smallest_image", entry.smallest_image},
      {"image_multiple", entry.image_multiple},
      {"published_image", entry.published_image},
      {"notebook_pooling", pooling_text(entry)},
      {"preprocess", {{"notebook", name_of(entry.notebook)}, {"weights", name_of(entry.weights)}}},
      {"citation",
       {{"authors", entry.authors}, {"year", entry.year}, {"title", entry.title}, {"address", entry.paper}}},
      {"licence", entry.licence},
      {"files", std::move(files)}};
}

std::string citation(const ZooEntry& entry) {
  return fmt::format("{} ({}). {}.{}", entry.authors, entry.year, entry.title,
                     entry.paper.empty() ? "" : " " + entry.paper);
}

void print_all() {
  Table table{{"model", "parameters", "least image", "multiple of", "weights' image", "pooling", "notebook",
               "weights"},
              {}};
  std::vector<std::string> citations;
  for (const ZooEntry& entry : zoo()) {
    const auto text = [](Int number) { return number == 0 ? "" : std::to_string(number); };
    table.rows.push_back({entry.name, text(parameters_of(entry)), text(entry.smallest_image),
                          text(entry.image_multiple), text(entry.published_image), pooling_text(entry),
                          std::string(name_of(entry.notebook)), std::string(name_of(entry.weights))});
    const std::string cited = citation(entry) + "\n  weights: " + entry.licence;
    if (std::find(citations.begin(), citations.end(), cited) == citations.end()) citations.push_back(cited);
  }
  fmt::print(
      "{}\nleast image, multiple of: sizes that the model takes, in pixels; weights' image: the official\n"
      "weights' own size; pooling: the paper's notebook's; notebook, weights: how pixels are preprocessed "
      "in\n"
      "the notebook and for the official weights (--preprocess)\n",
      table.text());
  for (const std::string& cited : citations) fmt::print("\n{}\n", cited);
}

void print_one(const ZooEntry& entry) {
  fmt::print("{}: {}\n{}\nweights: {}\n", entry.name, entry.description, citation(entry), entry.licence);
  fmt::print("{} parameters with 3 classes; images from {} pixels in multiples of {}\n", parameters_of(entry),
             entry.smallest_image, entry.image_multiple);
  fmt::print("preprocess: notebook {}, weights {}\n", name_of(entry.notebook), name_of(entry.weights));
  if (entry.notebook_pooling) fmt::print("pooling: notebook {}\n", pooling_text(entry));
  for (const OfficialFile& file : entry.files)
    fmt::print("{} ({} top)\n  {}\n  md5 {}\n", file.name, file.top ? "with" : "without", file.address,
               file.md5.empty() ? "not published" : file.md5);
}

}  // namespace

void add_zoo(Program& program) {
  const auto name = std::make_shared<std::string>();
  const Command command = program.add(
      "zoo", "The models: parameters, image sizes, preprocessing, citation, official weight files",
      "  sonograd zoo\n  sonograd zoo densenet169\n  sonograd zoo --json", [name, &program] {
        if (program.shared.json) {
          auto models = ordered_json::array();
          for (const ZooEntry& entry : zoo())
            if (name->empty() || entry.name == zoo_entry(*name).name) models.push_back(as_json(entry));
          print_json(ordered_json{{"models", std::move(models)}});
        } else if (name->empty()) {
          print_all();
        } else {
          print_one(zoo_entry(*name));
        }
        return 0;
      });
  command.add_option("model", *name, "one model, with its official weight files; left out: all");
  hide_flags(command, {"--device", "--threads", "--seed", "--keras", "--quiet"});
}

}  // namespace sonograd
