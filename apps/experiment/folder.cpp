#include "apps/experiment/folder.h"

#include <cstdio>
#include <map>

#include "report/predictions.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/json_fault.h"

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
  settings["keras"] =
      shared.keras == 0 ? "as the protocol and the weights tell" : std::to_string(shared.keras);
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
