#include "data/stratified.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"

namespace sonograd {
namespace {

// numpy's RandomState: the standard's mt19937 with the same seeding, and numpy's bounded draws and shuffle.
struct NumpyRandom {
  std::mt19937 engine;

  // 0 … top by masked rejection
  std::uint32_t bounded(std::uint32_t top) {
    if (top == 0) return 0;
    std::uint32_t mask = top;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    std::uint32_t value = 0;
    do value = static_cast<std::uint32_t>(engine()) & mask;
    while (value > top);
    return value;
  }

  std::vector<Int> permuted(std::vector<Int> values) {
    for (std::size_t i = values.size(); i-- > 1;)
      std::swap(values[i], values[bounded(static_cast<std::uint32_t>(i))]);
    return values;
  }
};

std::vector<Int> first_integers(Int n) {
  std::vector<Int> values(n);
  std::iota(values.begin(), values.end(), Int{0});
  return values;
}

// The most likely way to draw from classes of these counts: proportional shares rounded down, what is left
// over goes to the largest remainders, ties broken at random.
std::vector<Int> likely_shares(const std::vector<Int>& counts, Int draws, NumpyRandom& random) {
  const Int total = std::accumulate(counts.begin(), counts.end(), Int{0});
  std::vector<Int> shares;
  std::vector<double> remainders;
  for (const Int count : counts) {
    const double exact = static_cast<double>(count) / static_cast<double>(total) * static_cast<double>(draws);
    shares.push_back(static_cast<Int>(std::floor(exact)));
    remainders.push_back(exact - std::floor(exact));
  }
  Int left = draws - std::accumulate(shares.begin(), shares.end(), Int{0});
  std::vector<double> values = remainders;
  std::sort(values.rbegin(), values.rend());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (const double value : values) {
    if (left <= 0) break;
    std::vector<Int> tied;
    for (Int k = 0; k < static_cast<Int>(counts.size()); ++k)
      if (remainders[k] == value) tied.push_back(k);
    for (const Int place : random.permuted(first_integers(static_cast<Int>(tied.size())))) {
      if (left == 0) break;
      ++shares[tied[place]];
      --left;
    }
  }
  return shares;
}

}  // namespace

TwoParts stratified_split(std::span<const Int> labels, Int classes, double fraction, std::uint64_t seed) {
  const Int n = static_cast<Int>(labels.size());
  const Int second = static_cast<Int>(std::ceil(fraction * static_cast<double>(n)));
  const Int first = n - second;
  expect(seed <= 0xffffffffu, "split: scikit-learn's split needs a seed below 2^32, not {}", seed);
  expect(second >= classes && first >= classes,
         "split: {} images make parts of {} and {}, too few for {} classes; add images", n, first, second,
         classes);
  std::vector<std::vector<Int>> members(classes);
  for (Int i = 0; i < n; ++i) members[labels[i]].push_back(i);
  std::vector<Int> counts;
  for (Int label = 0; label < classes; ++label) {
    counts.push_back(static_cast<Int>(members[label].size()));
    expect(counts.back() >= 2, "split: class {} has {} images to share between two parts; add images", label,
           counts.back());
  }

  NumpyRandom random{std::mt19937(static_cast<std::uint32_t>(seed))};
  const std::vector<Int> to_first = likely_shares(counts, first, random);
  std::vector<Int> rest = counts;
  for (Int label = 0; label < classes; ++label) rest[label] -= to_first[label];
  const std::vector<Int> to_second = likely_shares(rest, second, random);
  TwoParts parts;
  for (Int label = 0; label < classes; ++label) {
    const std::vector<Int> order = random.permuted(first_integers(counts[label]));
    for (Int i = 0; i < to_first[label] + to_second[label]; ++i)
      (i < to_first[label] ? parts.first : parts.second).push_back(members[label][order[i]]);
  }
  parts.first = random.permuted(std::move(parts.first));
  parts.second = random.permuted(std::move(parts.second));
  return parts;
}

}  // namespace sonograd
