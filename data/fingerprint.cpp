#include "data/fingerprint.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "data/resize.h"

namespace sonograd {
namespace {

constexpr Int side = 128, stride = side + 1;
constexpr int hash_cells = 16, hash_reach = 2;

bool across(Flip flip) {
  return flip == Flip::left_right || flip == Flip::both;
}
bool along(Flip flip) {
  return flip == Flip::up_down || flip == Flip::both;
}

}  // namespace

int different_bits(const Hash& a, const Hash& b) {
  return std::popcount(a[0] ^ b[0]) + std::popcount(a[1] ^ b[1]) + std::popcount(a[2] ^ b[2]) +
         std::popcount(a[3] ^ b[3]);
}

Fingerprint::Fingerprint(const Image& image) : sums(stride * stride, 0.0f) {
  const Image small = resize_area(image, side, side);
  for (Int y = 0; y < side; ++y) {
    float row = 0;
    for (Int x = 0; x < side; ++x) {
      const std::uint8_t* pixel = small.row(y) + 3 * x;
      row += static_cast<float>(pixel[0] + pixel[1] + pixel[2]);
      sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
    }
  }
}

std::vector<float> Fingerprint::detail(const Crop& window, int cells, int reach) const {
  // The sums at the corners of the cells, between the stored ones by linear interpolation: exact for pixels
  // of one level each.
  const auto corners = [&](double begin, double end) {
    std::vector<std::pair<Int, double>> places;
    for (int k = 0; k <= cells; ++k) {
      const double at =
          std::clamp((begin + (end - begin) * k / cells) * side, 0.0, static_cast<double>(side));
      const Int below = std::min(static_cast<Int>(at), side - 1);
      places.emplace_back(below, at - static_cast<double>(below));
    }
    return places;
  };
  const auto columns = corners(window.left, window.right), rows = corners(window.top, window.bottom);
  const int grid = cells + 1;
  std::vector<double> at(static_cast<std::size_t>(grid * grid));
  for (int r = 0; r < grid; ++r) {
    const auto [y, down] = rows[r];
    const float *upper = sums.data() + y * stride, *lower = upper + stride;
    for (int c = 0; c < grid; ++c) {
      const auto [x, right] = columns[c];
      at[r * grid + c] = (1 - down) * ((1 - right) * upper[x] + right * upper[x + 1]) +
                         down * ((1 - right) * lower[x] + right * lower[x + 1]);
    }
  }
  const auto mean = [&](int top, int left, int bottom, int right) {
    return (at[bottom * grid + right] - at[top * grid + right] - at[bottom * grid + left] +
            at[top * grid + left]) /
           ((bottom - top) * (right - left));
  };
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(cells) * cells);
  for (int r = 0; r < cells; ++r)
    for (int c = 0; c < cells; ++c)
      out.push_back(static_cast<float>(mean(r, c, r + 1, c + 1) -
                                       mean(std::max(r - reach, 0), std::max(c - reach, 0),
                                            std::min(r + reach + 1, cells), std::min(c + reach + 1, cells))));
  const float level = std::accumulate(out.begin(), out.end(), 0.0f) / static_cast<float>(out.size());
  for (float& value : out) value -= level;
  const float length = std::sqrt(std::inner_product(out.begin(), out.end(), out.begin(), 0.0f));
  if (length > 0)
    for (float& value : out) value /= length;
  return out;
}

Hash Fingerprint::hash(const Crop& window) const {
  const std::vector<float> cells = detail(window, hash_cells, hash_reach);
  Hash bits{};
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (cells[i] > 0) bits[i / 64] |= std::uint64_t{1} << (i % 64);
  return bits;
}

Hash flipped(const Hash& hash, Flip flip) {
  Hash out{};
  for (int i = 0; i < hash_cells * hash_cells; ++i) {
    const int row = along(flip) ? hash_cells - 1 - i / hash_cells : i / hash_cells;
    const int column = across(flip) ? hash_cells - 1 - i % hash_cells : i % hash_cells;
    const int from = row * hash_cells + column;
    out[i / 64] |= (hash[from / 64] >> (from % 64) & 1) << (i % 64);
  }
  return out;
}

std::vector<float> flipped(std::vector<float> cells, int side, Flip flip) {
  if (along(flip))
    for (int r = 0; r < side / 2; ++r)
      std::swap_ranges(cells.begin() + r * side, cells.begin() + (r + 1) * side,
                       cells.begin() + (side - 1 - r) * side);
  if (across(flip))
    for (int r = 0; r < side; ++r) std::reverse(cells.begin() + r * side, cells.begin() + (r + 1) * side);
  return cells;
}

Crop flipped(const Crop& w, Flip flip) {
  Crop out = w;
  if (across(flip)) out.left = 1 - w.right, out.right = 1 - w.left;
  if (along(flip)) out.top = 1 - w.bottom, out.bottom = 1 - w.top;
  return out;
}

}  // namespace sonograd
