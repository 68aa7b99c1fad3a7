#pragma once
#include <string>
#include <vector>

namespace sonograd {

// Verified: on the images, or on the models that are built here. Consistent: with the paper's own numbers and
// rules, which is all that was at hand to check it.
enum class Verdict { verified, consistent, contradicted, untestable };
std::string_view verdict_name(Verdict verdict);

struct CheckedClaim {
  std::string id, where, says;
  Verdict verdict;
  std::string evidence;  // what was computed, or what it would take
};

// Every claim of apps/experiment/paper.json, and every cell of its tables: whether the percentage is k of n,
// and whether recall equals accuracy, as weighted recall must. `data` is the folder of the images, for the
// claims that count them; empty leaves those untestable.
std::vector<CheckedClaim> check_claims(const std::string& data);

}  // namespace sonograd
