#include <nlohmann/json.hpp>

#include "models/zoo.h"

namespace sonograd {

using nlohmann::json;

static OfficialFile read_file_entry(const json& file) {
  const std::string address = file.at("address");
  return {address.substr(address.rfind('/') + 1), address, file.value("md5", ""), file.at("top")};
}

static std::optional<Pooling> read_pooling(const json& facts) {
  if (!facts.contains("notebook_pooling")) return {};
  return pooling_named(facts.at("notebook_pooling").get<std::string>());
}

std::vector<ZooEntry> parse_family(std::string_view name, std::string_view text) try {
  std::vector<ZooEntry> entries;
  const json family = json::parse(text);
  for (const auto& [model, facts] : family.at("models").items()) {
    ZooEntry entry{.name = model,
                   .description = facts.at("description"),
                   .authors = family.at("authors"),
                   .title = family.at("title"),
                   .paper = family.value("paper", ""),
                   .year = family.at("year"),
                   .licence = family.at("licence"),
                   .smallest_image = facts.at("smallest_image"),
                   .image_multiple = facts.value("image_multiple_of", Int{1}),
                   .published_image = facts.value("published_image", Int{0}),
                   .notebook = preprocess_named(family.at("preprocess").at("notebook").get<std::string>()),
                   .notebook_pooling = read_pooling(facts),
                   .weights = preprocess_named(family.at("preprocess").at("weights").get<std::string>()),
                   .paper_parameters = facts.value("paper_parameters", Int{0}),
                   .files = {}};
    for (const json& file : facts.at("files")) entry.files.push_back(read_file_entry(file));
    entries.push_back(std::move(entry));
  }
  return entries;
} catch (const json::exception& error) {
  throw Error("models/zoo/{}.json: {}", name, error.what());
}

}  // namespace sonograd
