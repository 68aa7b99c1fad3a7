#include "apps/experiment/folder.h"

#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fault.h"
#include "data/sha256.h"
#include "report/predictions.h"

namespace sonograd {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void take_up(const fs::path& out, const Json& settings) {
  const fs::path file = out / "experiment.json";
  if (fs::exists(file)) {
    const Json was = Json::parse(read_file(file), nullptr, false);
    for (const auto& [key, value] : settings.items())
      expect(was.is_object() && was.contains(key) && was.at(key) == value,
             "{} holds an experiment with another {} ({}, not {}); choose another folder", out.string(), key,
             was.is_object() && was.contains(key) ? was.at(key).dump() : "none", value.dump());
    return;
  }
  expect(!fs::exists(out) || (fs::is_directory(out) && fs::is_empty(out)),
         "{} holds no experiment, but something else; choose another folder", out.string());
  make_folder(out);
  write_file_atomically(file, json_text(settings));
}

void add_shared_settings(Json& settings, const SharedFlags& shared, Device device) {
  settings["device"] = name_of(device);
  settings["tf32"] = shared.tf32;
  settings["any_order"] = shared.any_order;
  settings["batch_norm"] = shared.batch_norm;
  settings["attention"] = shared.attention;
  settings["keras"] =
      shared.keras == 0 ? "as the protocol and the weights tell" : std::to_string(shared.keras);
}

std::string hash_of_lineages(const std::string& folder) {
  if (folder.empty()) return "";
  expect(fs::is_directory(folder), "{} is no folder of generated pictures; check the path", folder);
  std::map<std::string, std::string> of_class;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const fs::path file = entry.path() / "lineage.json"; fs::exists(file))
      of_class[entry.path().filename().string()] = read_file(file);
  std::string text;
  for (const auto& [name, lineage] : of_class) text += fmt::format("{}\n{}", name, lineage);
  return sha256(text);
}

void add_training_settings(Json& settings, const TrainingFlags& t, const SharedFlags& shared, Device device) {
  const auto hash = [](const std::string& file) { return file.empty() ? "" : sha256(read_file(file)); };
  settings.update(Json{{"model", t.model.name},
                       {"weights", hash(t.model.weights)},
                       {"partial", t.model.partial},
                       {"fresh_head", t.model.fresh_head},
                       {"random_base", t.random_base},
                       {"image_size", t.model.image_size},
                       {"input", t.model.input},
                       {"pooling", t.model.pooling},
                       {"preprocess", t.model.preprocess},
                       {"phases", t.phases},
                       {"learning_rates", t.rates},
                       {"epochs", t.epochs},
                       {"patience", t.patience},
                       {"batch", t.batch},
                       {"accumulate", t.accumulate},
                       {"augment", t.augment},
                       {"schedule", t.schedule},
                       {"optimizer", t.optimizer},
                       {"momentum", t.momentum},
                       {"clip_norm", t.clip_norm},
                       {"norm_momentum", t.norm_momentum ? Json(*t.norm_momentum) : Json()},
                       {"class_weights", t.class_weights},
                       {"dropout", !t.no_dropout},
                       {"dtype", t.dtype},
                       {"transfer", name_of(transfer_of(t))},
                       {"protocol", t.split.protocol},
                       {"arm", t.split.arm},
                       {"target", t.split.target},
                       {"generated", hash_of_lineages(t.split.generated)},
                       {"order", hash(t.split.order)},
                       {"on_bad_file", t.split.on_bad_file},
                       {"random_labels", t.split.random_labels},
                       {"seed", shared.seed},
                       {"data_hash", data_hash(list_folder(t.data))}});
  add_shared_settings(settings, shared, device);
}

void look_once(KnownGroups& known, SplitFlags& split, const std::string& data, const SharedFlags& shared) {
  if (known.empty()) {
    Dataset folder = list_folder(data);
    if (!shared.quiet)
      std::fprintf(stderr, "looking for near duplicates among %zu images\n", folder.samples.size());
    known = find_groups(std::move(folder));
  }
  split.groups = known;
}

RunFolder finished_run(TrainingFlags flags, KnownGroups& known, Program& program) {
  flags.resume = true;
  flags.tell = false;
  RunFolder run = RunFolder::check(flags.out, true);
  if (!run.finished()) look_once(known, flags.split, flags.data, program.shared);
  run_training(flags, run, program);
  return run;
}

Judged judged_tests(const RunFolder& run, const fs::path& predictions) try {
  std::map<std::string, std::string> group_of;
  const Json split = Json::parse(read_file(run.split()));
  for (const Json& image : split.at("test")) group_of[image.at("file")] = image.at("related");
  Judged judged;
  for (const Prediction& p : read_predictions(predictions).rows) {
    judged.right.push_back(p.predicted == p.truth);
    judged.groups.push_back(group_of.at(p.file));
  }
  return judged;
} catch (const Json::exception& error) {
  throw Error("{}: not a split.json: {}; remove the run's folder to train it again", run.split().string(),
              fault_of(error));
}

}  // namespace sonograd
