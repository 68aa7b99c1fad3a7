#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fault.h"
#include "data/arms.h"
#include "data/split.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

Json entry_json(const Dataset& data, Int i, const Split& split) {
  const LabelledFile& sample = data.samples[i];
  Json json{{"file", sample.file},
            {"label", sample.label},
            {"class", data.classes[sample.label]},
            {"sha256", sample.sha256},
            {"group", data.samples[split.groups[i]].file}};
  if (!split.related.empty()) json["related"] = data.samples[split.related[i]].file;
  if (const auto* copy = std::get_if<Augmented>(&sample.origin))
    json["augmented"] = {{"source", data.samples[copy->source].file},
                         {"pass", copy->pass},
                         {"angle", copy->turn.angle},
                         {"left_right", copy->turn.left_right},
                         {"up_down", copy->turn.up_down}};
  if (const auto* made = std::get_if<Generated>(&sample.origin))
    json["generated"] = {{"generator", made->generator}, {"index", made->index}};
  return json;
}

Json part_json(const Dataset& data, const Split& split, const std::vector<Int>& part) {
  Json list = Json::array();
  for (const Int i : part) list.push_back(entry_json(data, i, split));
  return list;
}

// Finds the split's images again and makes the derived ones.
class Reader {
 public:
  Reader(const Json& json, Dataset& data, ImageSet* images) : json(json), data(data), images(images) {}

  Split read() {
    const auto classes = json.at("classes").get<std::vector<std::string>>();
    expect(classes == data.classes, "its classes are {}, those of {} are {}", fmt::join(classes, ","),
           data.root.string(), fmt::join(data.classes, ","));
    for (Int i = 0; i < data.size(); ++i) place[data.samples[i].file] = i;
    if (images) make_derived(*images);
    Split split{json.at("protocol").get<std::string>(), json.at("seed").get<std::uint64_t>()};
    split.arm = json.value("arm", "original");
    split.folds = json.value("folds", 0);
    split.fold = json.value("fold", 0);
    split.random_labels = json.value("random_labels", false);
    for (Int i = 0; i < data.size(); ++i) split.groups.push_back(i);
    const Json& test = json.at("test");
    if (!test.empty() && test[0].contains("related")) split.related = split.groups;
    split.train = read_part("train", split);
    split.validation = read_part("validation", split);
    split.test = read_part("test", split);
    return split;
  }

 private:
  Int position(const std::string& file) const {
    const auto at = place.find(file);
    expect(at != place.end(), "it names {}, which {} does not hold", file, data.root.string());
    return at->second;
  }

  Int label_of(const Json& entry) const {
    const Int label = entry.at("label").get<Int>();
    expect(label >= 0 && label < static_cast<Int>(data.classes.size()), "{} has the label {} of {} classes",
           entry.at("file").get<std::string>(), label, data.classes.size());
    return label;
  }

  void make_derived(ImageSet& set) {
    Dataset made;
    made.root = data.root;
    made.classes = data.classes;
    for (const Json& one : json.value("generators", Json::array()))
      made.generators.push_back({one.at("run").get<std::string>(), one.at("seed").get<std::uint64_t>(),
                                 one.at("ancestors").get<std::vector<std::string>>(),
                                 one.value("generator_sha256", "")});
    for (const char* part : {"train", "validation", "test"})
      for (const Json& entry : json.at(part)) {
        const std::string file = entry.at("file").get<std::string>();
        if (entry.contains("augmented")) {
          const Json& copy = entry["augmented"];
          place[file] = add_copy(data, set,
                                 {position(copy.at("source").get<std::string>()),
                                  copy.at("pass").get<Int>(),
                                  {copy.at("angle").get<double>(), copy.at("left_right").get<bool>(),
                                   copy.at("up_down").get<bool>()}});
        } else if (entry.contains("generated")) {
          const Json& from = entry["generated"];
          const Int generator = from.at("generator").get<Int>();
          expect(generator >= 0 && generator < static_cast<Int>(made.generators.size()),
                 "{} comes from generator {} of {}", file, generator, made.generators.size());
          made.samples.push_back(
              {file, label_of(entry), "", Generated{generator, from.at("index").get<Int>()}});
        }
      }
    hash_files(made);
    for (const Int i : append_generated(data, set, std::move(made))) place[data.samples[i].file] = i;
  }

  std::vector<Int> read_part(const char* name, Split& split) {
    std::vector<Int> part;
    for (const Json& entry : json.at(name)) {
      if (!images && (entry.contains("augmented") || entry.contains("generated"))) continue;
      const std::string file = entry.at("file").get<std::string>();
      const Int i = position(file);
      expect(entry.at("sha256") == data.samples[i].sha256, "{} has changed since the split was made", file);
      const auto at = part_of.try_emplace(file, name);
      expect(at.second, "{} stands in it twice ({}, {})", file, at.first->second, name);
      split.groups[i] = position(entry.at("group").get<std::string>());
      if (!split.related.empty()) split.related[i] = position(entry.at("related").get<std::string>());
      if (json.value("random_labels", false)) data.samples[i].label = label_of(entry);
      part.push_back(i);
    }
    return part;
  }

  const Json& json;
  Dataset& data;
  ImageSet* images;
  std::unordered_map<std::string, Int> place;
  std::unordered_map<std::string, std::string> part_of;
};

}  // namespace

std::string split_text(const Dataset& data, const Split& split) {
  Json json = {{"protocol", split.protocol},
               {"arm", split.arm},
               {"seed", split.seed},
               {"classes", data.classes},
               {"hash", split_hash(data, split)}};
  if (split.random_labels) json["random_labels"] = true;
  if (split.folds > 0) json["folds"] = split.folds, json["fold"] = split.fold;
  json["train"] = part_json(data, split, split.train);
  json["validation"] = part_json(data, split, split.validation);
  json["test"] = part_json(data, split, split.test);
  json["excluded"] = Json::array();
  for (const Exclusion& one : split.excluded)
    json["excluded"].push_back({{"file", data.samples[one.sample].file}, {"reason", one.reason}});
  for (const UnreadableFile& bad : data.bad)
    json["excluded"].push_back({{"file", bad.file}, {"reason", bad.reason}});
  json["generators"] = Json::array();
  for (const GeneratorOrigin& one : data.generators) {
    Json generator{{"run", one.run}, {"seed", one.seed}};
    if (!one.sha256.empty()) generator["generator_sha256"] = one.sha256;
    generator["ancestors"] = one.ancestors;
    json["generators"].push_back(std::move(generator));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_split(const std::filesystem::path& path, const Dataset& data, const Split& split) {
  write_file_atomically(path, split_text(data, split));
}

static Split read(const std::filesystem::path& path, Dataset& data, ImageSet* images) {
  const std::string text = read_file(path);
  try {
    const Json json = Json::parse(text);
    return Reader(json, data, images).read();
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not a split.json: {}; make it again with `sonograd data split`", path.string(),
                fault_of(error));
  } catch (Error& error) {
    error.prepend(path.string() + ": ");
    throw;
  }
}

Split read_split(const std::filesystem::path& path, Dataset& data, ImageSet& images) {
  return read(path, data, &images);
}

Split read_split(const std::filesystem::path& path, const Dataset& data) {
  Dataset originals = data;
  return read(path, originals, nullptr);
}

}  // namespace sonograd
