#include "data/find_again.h"

#include <algorithm>
#include <numeric>

#include "base/simd.h"

namespace sonograd {
namespace {

constexpr double step = 0.08;
constexpr double inset = 0.04;  // of the border, where shifts lose pixels and machines write

struct Interval {
  double begin = 0, end = 1;
};

// The whole, and what crops of up to 3 steps leave, in order of the crop.
const std::vector<Interval>& intervals() {
  static const std::vector<Interval> all = [] {
    std::vector<Interval> list;
    for (int cropped = 0; cropped <= 3; ++cropped)
      for (int first = 0; first <= cropped; ++first)
        list.push_back({first * step, 1 - (cropped - first) * step});
    return list;
  }();
  return all;
}

// Windows by (down · n + across), the whole picture first.
const std::vector<Crop>& windows() {
  static const std::vector<Crop> all = [] {
    std::vector<Crop> list;
    for (const Interval& down : intervals())
      for (const Interval& across : intervals())
        list.push_back({across.begin, down.begin, across.end, down.end});
    return list;
  }();
  return all;
}

// The place of the window on the other side: a shift shows what is left of one picture at the right of the
// other.
const std::vector<int>& opposite() {
  static const std::vector<int> all = [] {
    const auto same = [](const Crop& a, const Crop& b) {
      return std::abs(a.left - b.left) + std::abs(a.top - b.top) + std::abs(a.right - b.right) +
                 std::abs(a.bottom - b.bottom) <
             1e-9;
    };
    std::vector<int> list;
    for (const Crop& window : windows())
      for (int k = 0; k < static_cast<int>(windows().size()); ++k)
        if (same(windows()[k], flipped(window, Flip::both))) list.push_back(k);
    return list;
  }();
  return all;
}

struct Nearest {
  int bits = 257, first = 0, second = 0;
};

SONOGRAD_CLONES void compare(const Hash* first, const Hash* second, const int* across, int n, Nearest& best) {
  for (int w = 0; w < n; ++w) {
    const int pairs[3][2] = {{w, 0}, {0, w}, {w, across[w]}};
    for (const auto& pair : pairs) {
      int bits = 0;
      for (int k = 0; k < 4; ++k) bits += __builtin_popcountll(first[pair[0]][k] ^ second[pair[1]][k]);
      if (bits < best.bits) best = {bits, pair[0], pair[1]};
    }
  }
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0f);
}

Crop part_of(const Crop& w, const Crop& part) {
  const double width = w.right - w.left, height = w.bottom - w.top;
  return {w.left + width * part.left, w.top + height * part.top, w.left + width * part.right,
          w.top + height * part.bottom};
}

bool inside(const Crop& w) {
  return w.left >= 0 && w.top >= 0 && w.right <= 1 && w.bottom <= 1 && w.right - w.left >= 0.5 &&
         w.bottom - w.top >= 0.5;
}

// Moves and stretches `window` by steps of `size` as long as that brings it nearer to `target`.
double climb(const Fingerprint& print, const std::vector<float>& target, int cells, int reach, double size,
             Crop& window) {
  constexpr double moves[][4] = {{1, 0, 1, 0}, {0, 1, 0, 1}, {1, 0, 0, 0},  {0, 0, 1, 0},
                                 {0, 1, 0, 0}, {0, 0, 0, 1}, {1, 1, -1, -1}};  // left, top, right, bottom
  double best = correlation(print.detail(window, cells, reach), target);
  for (bool better = true; better;) {
    better = false;
    for (const auto& move : moves)
      for (const double way : {size, -size}) {
        const Crop moved{window.left + way * move[0], window.top + way * move[1],
                         window.right + way * move[2], window.bottom + way * move[3]};
        if (!inside(moved)) continue;
        const double score = correlation(print.detail(moved, cells, reach), target);
        if (score <= best + 1e-4) continue;
        best = score;
        window = moved;
        better = true;
      }
  }
  return best;
}

}  // namespace

WindowHashes::WindowHashes(const Fingerprint& print) {
  std::vector<Hash> plain;
  for (const Crop& window : windows()) plain.push_back(print.hash(window));
  for (int f = 0; f < flips; ++f)
    for (const Crop& window : windows()) {
      const Flip flip = static_cast<Flip>(f);
      const Crop source = flipped(window, flip);
      const auto at = std::find_if(windows().begin(), windows().end(), [&](const Crop& w) {
        return std::abs(w.left - source.left) + std::abs(w.top - source.top) +
                   std::abs(w.right - source.right) + std::abs(w.bottom - source.bottom) <
               1e-9;
      });
      hashes[f].push_back(flipped(plain[at - windows().begin()], flip));
    }
}

Overlap WindowHashes::nearest(const WindowHashes& first, const WindowHashes& second) {
  Overlap overlap;
  overlap.bits = 257;
  for (int f = 0; f < flips; ++f) {
    Nearest best{overlap.bits};
    compare(first.hashes[0].data(), second.hashes[f].data(), opposite().data(),
            static_cast<int>(windows().size()), best);
    if (best.bits >= overlap.bits) continue;
    overlap = {0, static_cast<Flip>(f), windows()[best.first], windows()[best.second], best.bits};
  }
  overlap.second = flipped(overlap.second, overlap.flip);  // as the picture is
  return overlap;
}

Overlap confirm(const Fingerprint& first, const Fingerprint& second, Overlap m) {
  const Crop inner{inset, inset, 1 - inset, 1 - inset};
  m.first = part_of(m.first, inner);
  m.second = part_of(m.second, inner);
  const auto target = [&](int cells, int reach) {
    return flipped(second.detail(m.second, cells, reach), cells, m.flip);
  };
  const std::vector<float> coarse = target(24, 3), fine = target(64, 4);
  for (const double size : {0.04, 0.02, 0.01}) m.correlation = climb(first, coarse, 24, 3, size, m.first);
  if (m.correlation < 0.5) return m;  // what is less at a glance is not more in detail
  for (const double size : {0.01, 0.005, 0.0025}) m.correlation = climb(first, fine, 64, 4, size, m.first);
  return m;
}

}  // namespace sonograd
