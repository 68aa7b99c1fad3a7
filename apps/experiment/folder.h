#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/training.h"
#include "report/bootstrap.h"
#include "report/run_folder.h"

namespace sonograd {

// Begins an experiment's folder, or finds the same experiment there. `settings` is all that the rows' numbers
// depend on; those of a folder share it. Throws Error where the folder holds anything else.
void take_up(const std::filesystem::path& out, const nlohmann::ordered_json& settings);

// Those among the settings that every command takes: device, what a gpu may do, whose Keras.
void add_shared_settings(nlohmann::ordered_json& settings, const SharedFlags& shared, Device device);

// Behind `settings`, all that the numbers of runs with these flags depend on: the flags, what the files hold
// that they name, and the data.
void add_training_settings(nlohmann::ordered_json& settings, const TrainingFlags& flags,
                           const SharedFlags& shared, Device device);

// What the generated pictures of a folder are, by their lineages: a hash, "" for no folder.
std::string hash_of_lineages(const std::string& folder);

// Gives a run the near duplicates of the folder `data`, for its split or for its intervals alone. They are
// looked for in the first call and kept in `known` for those that follow.
void look_once(KnownGroups& known, SplitFlags& split, const std::string& data, const SharedFlags& shared);

// Trains a run of an experiment, or goes on with it, or finds it finished. `known`: see look_once.
RunFolder finished_run(TrainingFlags flags, KnownGroups& known, Program& program);

// What a run had right of its test images, by the groups of near duplicates in its split.json (`related`);
// `predictions` is one of its files of them. Throws Error where the split is none, or does not tell.
Judged judged_tests(const RunFolder& run, const std::filesystem::path& predictions);

}  // namespace sonograd
