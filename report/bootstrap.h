#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "report/metrics.h"

namespace sonograd {

// Which images a classifier had right, and the group that each belongs to.
struct Judged {
  std::vector<bool> right;
  std::vector<std::string> groups;
};

void append(Judged& all, const Judged& more);

// A 95 % percentile interval of the accuracy by resampling groups, not images, with replacement: pictures of
// one group (duplicates, copies of one original) are no independent evidence. Field & Welsh (2007), the
// cluster bootstrap. Throws Error on different lengths or no images.
Interval grouped_bootstrap(const Judged& judged, std::uint64_t seed, Int repeats = 2000);

// The same of the difference of two accuracies, first − second: groups that both judged are drawn for both.
Interval grouped_difference(const Judged& first, const Judged& second, std::uint64_t seed,
                            Int repeats = 2000);

// The same of the mean of any values, each resampled by itself (Efron 1979). Throws Error on no values.
Interval mean_bootstrap(const std::vector<double>& values, std::uint64_t seed, Int repeats = 2000);

}  // namespace sonograd
