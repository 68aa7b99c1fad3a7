#include "report/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tensor/error.h"
#include "tensor/philox.h"

namespace sonograd {
namespace {

struct Group {
  Int right = 0, n = 0;
};

// The middle 95 % of the values.
Interval middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = [&](double share) { return values[static_cast<std::size_t>(std::lround(share * last))]; };
  return {at(0.025), at(0.975)};
}

}  // namespace

Interval grouped_bootstrap(const std::vector<bool>& right, const std::vector<std::string>& groups,
                           std::uint64_t seed, Int repeats) {
  expect(right.size() == groups.size() && !right.empty() && repeats > 0,
         "a bootstrap needs a group for each of its images, got {} for {}", groups.size(), right.size());
  std::map<std::string, Group> by_name;
  for (std::size_t i = 0; i < right.size(); ++i) {
    Group& group = by_name[groups[i]];
    group.right += right[i];
    ++group.n;
  }
  std::vector<Group> all;
  all.reserve(by_name.size());
  for (const auto& [name, group] : by_name) all.push_back(group);
  const Random random(seed, "bootstrap");
  std::vector<double> accuracies;
  for (Int repeat = 0; repeat < repeats; ++repeat) {
    const Random draws = random.at(static_cast<std::uint64_t>(repeat));
    Group sum;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const Group& drawn = all[static_cast<std::size_t>(draws.below(static_cast<Int>(all.size()), k))];
      sum.right += drawn.right;
      sum.n += drawn.n;
    }
    accuracies.push_back(static_cast<double>(sum.right) / static_cast<double>(sum.n));
  }
  return middle(std::move(accuracies));
}

Interval grouped_difference(const Judged& first, const Judged& second, std::uint64_t seed, Int repeats) {
  std::map<std::string, std::array<Group, 2>> by_name;
  const Judged* const both[] = {&first, &second};
  for (std::size_t side = 0; side < 2; ++side) {
    const Judged& judged = *both[side];
    expect(judged.right.size() == judged.groups.size() && !judged.right.empty() && repeats > 0,
           "a bootstrap needs a group for each of its images, got {} for {}", judged.groups.size(),
           judged.right.size());
    for (std::size_t i = 0; i < judged.right.size(); ++i) {
      Group& group = by_name[judged.groups[i]][side];
      group.right += judged.right[i];
      ++group.n;
    }
  }
  std::vector<std::array<Group, 2>> all;
  all.reserve(by_name.size());
  for (const auto& [name, group] : by_name) all.push_back(group);
  const Random random(seed, "bootstrap");
  std::vector<double> differences;
  for (Int repeat = 0; repeat < repeats; ++repeat) {
    const Random draws = random.at(static_cast<std::uint64_t>(repeat));
    Group sums[2];
    for (std::size_t k = 0; k < all.size(); ++k) {
      const auto& drawn = all[static_cast<std::size_t>(draws.below(static_cast<Int>(all.size()), k))];
      for (std::size_t side = 0; side < 2; ++side)
        sums[side].right += drawn[side].right, sums[side].n += drawn[side].n;
    }
    if (sums[0].n == 0 || sums[1].n == 0) continue;  // a draw of very few groups may miss a side
    const auto share = [](const Group& g) { return static_cast<double>(g.right) / static_cast<double>(g.n); };
    differences.push_back(share(sums[0]) - share(sums[1]));
  }
  return middle(std::move(differences));
}

Interval mean_bootstrap(const std::vector<double>& values, std::uint64_t seed, Int repeats) {
  expect(!values.empty() && repeats > 0, "a bootstrap needs values");
  const Random random(seed, "bootstrap");
  std::vector<double> means;
  for (Int repeat = 0; repeat < repeats; ++repeat) {
    const Random draws = random.at(static_cast<std::uint64_t>(repeat));
    double sum = 0;
    for (std::size_t k = 0; k < values.size(); ++k)
      sum += values[static_cast<std::size_t>(draws.below(static_cast<Int>(values.size()), k))];
    means.push_back(sum / static_cast<double>(values.size()));
  }
  return middle(std::move(means));
}

}  // namespace sonograd
