#include "gan/fidelity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "data/shuffle.h"
#include "gan/pictures.h"

namespace sonograd {
namespace {

// Side by side sums, so that one addition need not wait for the one before.
double dot_product(const std::vector<double>& x, const std::vector<double>& y) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= x.size(); i += sums.size())
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += x[i + lane] * y[i + lane];
  for (; i < x.size(); ++i) sums[0] += x[i] * y[i];
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

double kernel(const Gram& gram, Int i, Int j) {
  const double base = gram.dot(i, j) / static_cast<double>(gram.length()) + 1;
  return base * base * base;
}

// Mean over the ordered pairs of different members.
double mean_within(const Gram& gram, const std::vector<Int>& part) {
  double total = 0;
  for (std::size_t a = 0; a < part.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) total += 2 * kernel(gram, part[a], part[b]);
  const auto n = static_cast<double>(part.size());
  return total / (n * (n - 1));
}

double mean_between(const Gram& gram, const std::vector<Int>& one, const std::vector<Int>& other) {
  double total = 0;
  for (const Int i : one)
    for (const Int j : other) total += kernel(gram, i, j);
  return total / (static_cast<double>(one.size()) * static_cast<double>(other.size()));
}

// Distance of each picture of a part to its k-th nearest other one there.
std::vector<double> radii(const Gram& gram, Int begin, Int end, Int k) {
  std::vector<double> list;
  for (Int i = begin; i < end; ++i) {
    std::vector<double> distances;
    for (Int j = begin; j < end; ++j)
      if (j != i) distances.push_back(gram.distance(i, j));
    std::nth_element(distances.begin(), distances.begin() + k - 1, distances.end());
    list.push_back(distances[static_cast<std::size_t>(k - 1)]);
  }
  return list;
}

// Share of the pictures begin … end - 1 that lie in one of the balls about the pictures from `center` on.
double share_covered(const Gram& gram, Int begin, Int end, Int center, const std::vector<double>& radius) {
  Int inside = 0;
  for (Int i = begin; i < end; ++i) {
    bool covered = false;
    for (std::size_t c = 0; c < radius.size() && !covered; ++c)
      covered = gram.distance(i, center + static_cast<Int>(c)) <= radius[c];
    inside += covered;
  }
  return static_cast<double>(inside) / static_cast<double>(end - begin);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n == 0 ? NAN : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

}  // namespace

Gram::Gram(const Features& real, const Features& generated)
    : real_(static_cast<Int>(real.size())),
      all_(static_cast<Int>(real.size() + generated.size())),
      length_(real.empty() ? 0 : static_cast<Int>(real.front().size())),
      dots(static_cast<std::size_t>(all_ * all_)) {
  const auto row = [&](Int i) -> const std::vector<double>& {
    return i < real_ ? real[static_cast<std::size_t>(i)] : generated[static_cast<std::size_t>(i - real_)];
  };
  for (Int i = 0; i < all_; ++i)
    expect(static_cast<Int>(row(i).size()) == length_, "features of {} and of {} numbers", length_,
           row(i).size());
  parallel_for(all_, 1, [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i)
      for (Int j = 0; j < all_; ++j)
        dots[static_cast<std::size_t>(i * all_ + j)] = dot_product(row(i), row(j));
  });
}

double Gram::distance(Int i, Int j) const {
  return std::sqrt(std::max(0.0, dot(i, i) + dot(j, j) - 2 * dot(i, j)));
}

double polynomial_mmd2(const Gram& gram, const Subset& subset) {
  return mean_within(gram, subset.real) + mean_within(gram, subset.generated) -
         2 * mean_between(gram, subset.real, subset.generated);
}

Kid kid(const Gram& gram, const std::vector<Subset>& subsets) {
  std::vector<double> values;
  values.reserve(subsets.size());
  for (const Subset& subset : subsets) values.push_back(polynomial_mmd2(gram, subset));
  Kid result;
  const auto n = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  for (const double value : values) result.deviation += (value - result.mean) * (value - result.mean) / n;
  result.deviation = std::sqrt(result.deviation);
  result.subsets = static_cast<Int>(subsets.size());
  result.subset_size = static_cast<Int>(subsets.front().real.size());
  return result;
}

std::vector<Subset> draw_subsets(const Gram& gram, Int count, Int size, const Random& random) {
  expect(2 <= size && size <= std::min(gram.real(), gram.generated()),
         "a subset of {} pictures cannot be drawn from {} real and {} generated ones", size, gram.real(),
         gram.generated());
  std::vector<Int> generated = all_of(gram.generated());
  for (Int& i : generated) i += gram.real();
  std::vector<Subset> subsets;
  for (Int s = 0; s < count; ++s) {
    const auto step = static_cast<std::uint64_t>(s);
    Subset subset{shuffled(all_of(gram.real()), random.stream("real").at(step)),
                  shuffled(generated, random.stream("generated").at(step))};
    subset.real.resize(static_cast<std::size_t>(size));
    subset.generated.resize(static_cast<std::size_t>(size));
    subsets.push_back(std::move(subset));
  }
  return subsets;
}

PrecisionRecall precision_recall(const Gram& gram, Int k) {
  const Int n = gram.real(), all = n + gram.generated();
  expect(k >= 1 && std::min(n, all - n) > k,
         "precision and recall with {} neighbours need more pictures than {} real and {} generated ones", k,
         n, all - n);
  return {share_covered(gram, n, all, 0, radii(gram, 0, n, k)),
          share_covered(gram, 0, n, n, radii(gram, n, all, k))};
}

Memorisation memorisation(const Gram& gram) {
  const Int n = gram.real();
  expect(n >= 2 && gram.generated() >= 1, "nearest neighbours need two real pictures and a generated one");
  Memorisation result;
  const std::vector<double> apart = radii(gram, 0, n, 1);
  Int copies = 0;
  for (Int j = n; j < n + gram.generated(); ++j) {
    Int best = 0;
    for (Int i = 1; i < n; ++i)
      if (gram.distance(i, j) < gram.distance(best, j)) best = i;
    result.nearest.push_back(best);
    result.distance.push_back(gram.distance(best, j));
    copies += result.distance.back() < apart[static_cast<std::size_t>(best)];
  }
  result.median_generated = median(result.distance);
  result.median_real = median(apart);
  result.copied = static_cast<double>(copies) / static_cast<double>(gram.generated());
  return result;
}

}  // namespace sonograd
