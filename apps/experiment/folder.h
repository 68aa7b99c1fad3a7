#pragma once
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "report/run_folder.h"

namespace sonograd {

// Begins an experiment's folder, or finds the same experiment there. `settings` is all that the rows' numbers
// depend on; those of a folder share it. Throws Error where the folder holds anything else.
void take_up(const std::filesystem::path& out, const nlohmann::ordered_json& settings);

// Of each test image of a run, by file: the group of near duplicates in its split.json. Throws Error where
// that is none.
std::map<std::string, std::string> test_groups(const RunFolder& run);

}  // namespace sonograd
