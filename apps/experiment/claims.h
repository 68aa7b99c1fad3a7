#pragma once
#include <string>
#include <vector>

namespace sonograd {

enum class Verdict { verified, contradicted, untestable };
std::string_view verdict_name(Verdict verdict);

struct Finding {
  std::string id, where, says;
  Verdict verdict;
  std::string evidence;  // what was computed, or what it would take
};

// Every claim of apps/experiment/paper.json, and every cell of its tables: whether the percentage is k of n,
// and whether recall equals accuracy, as weighted recall must. `data` is the folder of the images, for the
// claims that count them; empty leaves those untestable.
std::vector<Finding> check_claims(const std::string& data);

}  // namespace sonograd
