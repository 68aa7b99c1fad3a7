#include <nlohmann/json.hpp>
#include <unordered_map>

#include "data/split.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

Json part_json(const Dataset& data, const std::vector<Int>& groups, const std::vector<Int>& part) {
  Json list = Json::array();
  for (const Int i : part) {
    const LabelledFile& sample = data.samples[i];
    list.push_back({{"file", sample.file},
                    {"label", sample.label},
                    {"class", data.classes[sample.label]},
                    {"sha256", sample.sha256},
                    {"group", data.samples[groups[i]].file}});
  }
  return list;
}

Split parse(const Json& json, const Dataset& data) {
  const auto classes = json.at("classes").get<std::vector<std::string>>();
  expect(classes == data.classes, "its classes are {}, those of {} are {}", fmt::join(classes, ","),
         data.root.string(), fmt::join(data.classes, ","));
  std::unordered_map<std::string, Int> place;
  for (Int i = 0; i < data.size(); ++i) place[data.samples[i].file] = i;
  const auto position = [&](const std::string& file) {
    const auto at = place.find(file);
    expect(at != place.end(), "it names {}, which {} does not hold", file, data.root.string());
    return at->second;
  };
  Split split{json.at("protocol").get<std::string>(), json.at("seed").get<std::uint64_t>(), {}, {}, {}, {}};
  for (Int i = 0; i < data.size(); ++i) split.groups.push_back(i);
  std::unordered_map<std::string, std::string> part_of;
  const auto read_part = [&](const char* name) {
    std::vector<Int> part;
    for (const Json& entry : json.at(name)) {
      const std::string file = entry.at("file").get<std::string>();
      const Int i = position(file);
      expect(entry.at("sha256") == data.samples[i].sha256, "{} has changed since the split was made", file);
      const auto at = part_of.try_emplace(file, name);
      expect(at.second, "{} stands in it twice ({}, {})", file, at.first->second, name);
      split.groups[i] = position(entry.at("group").get<std::string>());
      part.push_back(i);
    }
    return part;
  };
  split.train = read_part("train");
  split.validation = read_part("validation");
  split.test = read_part("test");
  return split;
}

}  // namespace

std::string split_text(const Dataset& data, const Split& split) {
  const Json json = {{"protocol", split.protocol},
                     {"seed", split.seed},
                     {"classes", data.classes},
                     {"hash", split_hash(data, split)},
                     {"train", part_json(data, split.groups, split.train)},
                     {"validation", part_json(data, split.groups, split.validation)},
                     {"test", part_json(data, split.groups, split.test)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_split(const std::filesystem::path& path, const Dataset& data, const Split& split) {
  write_file_atomically(path, split_text(data, split));
}

Split read_split(const std::filesystem::path& path, const Dataset& data) {
  const std::string text = read_file(path);
  try {
    return parse(Json::parse(text), data);
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not a split.json: {}", path.string(), error.what());
  } catch (Error& error) {
    error.prepend(path.string() + ": ");
    throw;
  }
}

}  // namespace sonograd
