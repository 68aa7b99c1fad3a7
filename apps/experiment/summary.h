#pragma once
#include "apps/experiment/gans.h"
#include "apps/experiment/results.h"

namespace sonograd {

// OUT/summary.json: all numbers of an experiment, for programs.
struct Summary {
  std::string experiment;  // table1 … table4, all
  const nlohmann::ordered_json& settings;
  const Profile& profile;
  const std::vector<std::string>& limits;
  const std::vector<Result>& results;
  const std::vector<Finding>& findings;
  const std::vector<GanRun>& gans;
};
std::string summary_json(const Summary& summary);

}  // namespace sonograd
