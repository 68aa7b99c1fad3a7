#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gan/train_gan.h"

namespace sonograd {

// A class's GAN as its folder in an experiment's has it.
struct GanRun {
  std::string class_name;
  std::filesystem::path folder;
  GanSummary summary;
  nlohmann::ordered_json audit;  // audit.json of `gan audit`; null where none was made
};
// Those that were trained to their end, in byte order of the classes.
std::vector<GanRun> gans_of(const std::filesystem::path& experiment);

// The page's section on them: what they draw, how they learnt, whether they collapsed; "" for none.
std::string gans_section(const std::vector<GanRun>& gans);

}  // namespace sonograd
