#include "report/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/philox.h"

namespace sonograd {
namespace {

struct Count {
  Int right = 0, n = 0;
  double share() const { return static_cast<double>(right) / static_cast<double>(n); }  // NaN for none
  Count& operator+=(const Count& other) {
    right += other.right;
    n += other.n;
    return *this;
  }
};

// Of one group, what each of two classifiers made of it.
struct Pair {
  Count first, second;
  Pair& operator+=(const Pair& other) {
    first += other.first;
    second += other.second;
    return *this;
  }
};

// The middle 95 % of statistic(sum of as many items as there are, drawn with replacement). Draws without a
// value are left out: one of very few groups may miss a side.
template <class T, class F>
Interval resample(const std::vector<T>& items, std::uint64_t seed, Int repeats, F statistic) {
  const Random random(seed, "bootstrap");
  std::vector<double> values;
  for (Int repeat = 0; repeat < repeats; ++repeat) {
    const Random draws = random.at(static_cast<std::uint64_t>(repeat));
    T sum{};
    for (std::size_t k = 0; k < items.size(); ++k)
      sum += items[static_cast<std::size_t>(draws.below(static_cast<Int>(items.size()), k))];
    const double value = statistic(sum);
    if (!std::isnan(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = [&](double share) { return values[static_cast<std::size_t>(std::lround(share * last))]; };
  return {at(0.025), at(0.975)};
}

// Adds to each group's pair what the classifier had right, in its `side`.
void count(const Judged& judged, Count Pair::*side, std::map<std::string, Pair>& groups) {
  expect(judged.right.size() == judged.groups.size() && !judged.right.empty(),
         "a bootstrap needs a group for each of its images, got {} for {}", judged.groups.size(),
         judged.right.size());
  for (std::size_t i = 0; i < judged.right.size(); ++i)
    groups[judged.groups[i]].*side += {judged.right[i] ? 1 : 0, 1};
}

std::vector<Pair> listed(const std::map<std::string, Pair>& groups) {
  std::vector<Pair> list;
  list.reserve(groups.size());
  for (const auto& [name, pair] : groups) list.push_back(pair);
  return list;
}

}  // namespace

void append(Judged& all, const Judged& more) {
  all.right.insert(all.right.end(), more.right.begin(), more.right.end());
  all.groups.insert(all.groups.end(), more.groups.begin(), more.groups.end());
}

Interval grouped_bootstrap(const Judged& judged, std::uint64_t seed, Int repeats) {
  std::map<std::string, Pair> groups;
  count(judged, &Pair::first, groups);
  return resample(listed(groups), seed, repeats, [](const Pair& sum) { return sum.first.share(); });
}

Interval grouped_difference(const Judged& first, const Judged& second, std::uint64_t seed, Int repeats) {
  std::map<std::string, Pair> groups;
  count(first, &Pair::first, groups);
  count(second, &Pair::second, groups);
  return resample(listed(groups), seed, repeats,
                  [](const Pair& sum) { return sum.first.share() - sum.second.share(); });
}

Interval mean_bootstrap(const std::vector<double>& values, std::uint64_t seed, Int repeats) {
  expect(!values.empty(), "a bootstrap needs values");
  const auto n = static_cast<double>(values.size());
  return resample(values, seed, repeats, [n](double sum) { return sum / n; });
}

}  // namespace sonograd
