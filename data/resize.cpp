#include "data/resize.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/error.h"

namespace sonograd {
namespace {

double scale_of(Int from, Int to) {
  return 1.0 / (static_cast<double>(to) / static_cast<double>(from));
}

bool whole(double scale) {
  return std::abs(scale - std::nearbyint(scale)) < DBL_EPSILON;
}

// Round half to even and clamp: a float at 1.5·2²³ has no fraction bits left, so the addition rounds.
std::uint8_t to_byte(float value) {
  constexpr float shift = 12582912.0f;
  return static_cast<std::uint8_t>(std::clamp((value + shift) - shift, 0.0f, 255.0f));
}

// Both scales whole: the mean of each block. OpenCV rounds 2x2 blocks half up, all others half to even.
Image block_means(const Image& image, Int height, Int width) {
  const Int block_height = image.height / height;
  const Int block_width = image.width / width;
  const float share = static_cast<float>(1.0 / static_cast<double>(block_height * block_width));
  const bool two_by_two = block_height == 2 && block_width == 2;
  Image result(height, width);
  std::vector<Int> sums(3 * width);
  for (Int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    for (Int row = y * block_height; row < (y + 1) * block_height; ++row) {
      const std::uint8_t* pixel = image.row(row);
      for (Int x = 0; x < width; ++x)
        for (Int column = 0; column < block_width; ++column, pixel += 3)
          for (Int channel = 0; channel < 3; ++channel) sums[3 * x + channel] += pixel[channel];
    }
    std::uint8_t* out = result.row(y);
    for (Int i = 0; i < 3 * width; ++i)
      out[i] = two_by_two ? static_cast<std::uint8_t>((sums[i] + 2) >> 2)
                          : to_byte(static_cast<float>(sums[i]) * share);
  }
  return result;
}

// The part of each source sample in each result sample along one axis; entries of sample d: first[d] …
// first[d + 1].
struct Shares {
  struct Entry {
    Int from;
    float weight;
  };
  std::vector<Entry> entries;
  std::vector<Int> first;

  Shares(Int from, Int to) {
    const double scale = scale_of(from, to);
    for (Int d = 0; d < to; ++d) {
      first.push_back(static_cast<Int>(entries.size()));
      const double begin = static_cast<double>(d) * scale;
      const double end = begin + scale;
      const double cell = std::min(scale, static_cast<double>(from) - begin);
      const Int last = std::min(static_cast<Int>(std::floor(end)), from - 1);
      const Int start = std::min(static_cast<Int>(std::ceil(begin)), last);
      const auto add = [&](Int at, double share) { entries.push_back({at, static_cast<float>(share)}); };
      if (static_cast<double>(start) - begin > 1e-3)
        add(start - 1, (static_cast<double>(start) - begin) / cell);
      for (Int at = start; at < last; ++at) add(at, 1.0 / cell);
      const double rest = end - static_cast<double>(last);
      if (rest > 1e-3) add(last, std::min(std::min(rest, 1.0), cell) / cell);
    }
    first.push_back(static_cast<Int>(entries.size()));
  }
};

void sum_row(const std::uint8_t* source, const Shares& columns, float* out) {
  const Int width = static_cast<Int>(columns.first.size()) - 1;
  for (Int x = 0; x < width; ++x, out += 3) {
    float r = 0, g = 0, b = 0;
    for (Int e = columns.first[x]; e < columns.first[x + 1]; ++e) {
      const auto [from, weight] = columns.entries[e];
      r += source[3 * from] * weight;
      g += source[3 * from + 1] * weight;
      b += source[3 * from + 2] * weight;
    }
    out[0] = r, out[1] = g, out[2] = b;
  }
}

// result[y,x] = Σ_i Σ_j rows[y,i] · columns[x,j] · image[i,j], columns first, in float and in this order
Image weighted_means(const Image& image, Int height, Int width) {
  const Shares columns(image.width, width);
  const Shares rows(image.height, height);
  Image result(height, width);
  std::vector<float> line(3 * width);
  std::vector<float> sums(3 * width);
  Int summed = -1;  // the source row that `line` holds: neighbouring results share one
  for (Int y = 0; y < height; ++y) {
    for (Int e = rows.first[y]; e < rows.first[y + 1]; ++e) {
      const auto [from, weight] = rows.entries[e];
      if (from != summed) sum_row(image.row(from), columns, line.data());
      summed = from;
      if (e == rows.first[y])
        for (Int i = 0; i < 3 * width; ++i) sums[i] = weight * line[i];
      else
        for (Int i = 0; i < 3 * width; ++i) sums[i] += weight * line[i];
    }
    std::uint8_t* out = result.row(y);
    for (Int i = 0; i < 3 * width; ++i) out[i] = to_byte(sums[i]);
  }
  return result;
}

// Two neighbours and their weights in 1/2048 for each result sample along one axis.
struct Neighbours {
  struct Pair {
    Int left, right;
    int left_weight, right_weight;
  };
  std::vector<Pair> pairs;

  Neighbours(Int from, Int to) {
    const double scale = scale_of(from, to);
    const double inverse = static_cast<double>(to) / static_cast<double>(from);
    for (Int d = 0; d < to; ++d) {
      Int left = static_cast<Int>(std::floor(static_cast<double>(d) * scale));
      float part = static_cast<float>(static_cast<double>(d + 1) - static_cast<double>(left + 1) * inverse);
      part = part <= 0 ? 0.0f : part - std::floor(part);
      if (left >= from - 1) left = from - 1, part = 0;
      const auto fixed = [](float weight) { return static_cast<int>(std::nearbyint(weight * 2048.0f)); };
      pairs.push_back({left, std::min(left + 1, from - 1), fixed(1.0f - part), fixed(part)});
    }
  }
};

// Either axis grows: fixed-point interpolation, columns first; the shifts are OpenCV's.
Image interpolated(const Image& image, Int height, Int width) {
  const Neighbours columns(image.width, width);
  const Neighbours rows(image.height, height);
  const auto interpolate_row = [&](Int from, std::vector<int>& line) {
    const std::uint8_t* source = image.row(from);
    for (Int x = 0; x < width; ++x) {
      const auto& pair = columns.pairs[x];
      for (Int channel = 0; channel < 3; ++channel)
        line[3 * x + channel] = source[3 * pair.left + channel] * pair.left_weight +
                                source[3 * pair.right + channel] * pair.right_weight;
    }
  };
  Image result(height, width);
  std::vector<int> above(3 * width);
  std::vector<int> below(3 * width);
  Int held_above = -1;
  Int held_below = -1;
  for (Int y = 0; y < height; ++y) {
    const auto& pair = rows.pairs[y];
    if (pair.left == held_below) std::swap(above, below), std::swap(held_above, held_below);
    if (pair.left != held_above) interpolate_row(held_above = pair.left, above);
    if (pair.right != held_below) interpolate_row(held_below = pair.right, below);
    std::uint8_t* out = result.row(y);
    for (Int i = 0; i < 3 * width; ++i) {
      const int upper = (pair.left_weight * (above[i] >> 4)) >> 16;
      const int lower = (pair.right_weight * (below[i] >> 4)) >> 16;
      out[i] = static_cast<std::uint8_t>(std::clamp((upper + lower + 2) >> 2, 0, 255));
    }
  }
  return result;
}

}  // namespace

Image resize_area(const Image& image, Int height, Int width) {
  expect(image.height > 0 && image.width > 0 && height > 0 && width > 0, "resize: {}x{} pixels to {}x{}",
         image.width, image.height, width, height);
  if (image.height == height && image.width == width) return image;
  const double scale_x = scale_of(image.width, width);
  const double scale_y = scale_of(image.height, height);
  if (scale_x < 1 || scale_y < 1) return interpolated(image, height, width);
  if (whole(scale_x) && whole(scale_y)) return block_means(image, height, width);
  return weighted_means(image, height, width);
}

std::vector<float> resize_bilinear(std::span<const float> plane, Int height, Int width, Int new_height,
                                   Int new_width) {
  expect(static_cast<Int>(plane.size()) == height * width, "resize: {} values are not a plane of {}x{}",
         plane.size(), height, width);
  struct Place {
    Int low, high;
    float part;
  };
  const auto places = [](Int from, Int to) {
    std::vector<Place> result;
    const double scale = scale_of(from, to);
    for (Int d = 0; d < to; ++d) {
      float part = static_cast<float>((static_cast<double>(d) + 0.5) * scale - 0.5);
      Int low = static_cast<Int>(std::floor(part));
      part -= static_cast<float>(low);
      if (low < 0) low = 0, part = 0;
      if (low >= from - 1) low = from - 1, part = 0;
      result.push_back({low, std::min(low + 1, from - 1), part});
    }
    return result;
  };
  const std::vector<Place> columns = places(width, new_width);
  const std::vector<Place> rows = places(height, new_height);
  const auto mix = [](float a, float b, float part) { return a * (1 - part) + b * part; };
  std::vector<float> result(new_height * new_width);
  for (Int y = 0; y < new_height; ++y) {
    const float* above = plane.data() + rows[y].low * width;
    const float* below = plane.data() + rows[y].high * width;
    for (Int x = 0; x < new_width; ++x) {
      const auto [low, high, part] = columns[x];
      result[y * new_width + x] =
          mix(mix(above[low], above[high], part), mix(below[low], below[high], part), rows[y].part);
    }
  }
  return result;
}

}  // namespace sonograd
