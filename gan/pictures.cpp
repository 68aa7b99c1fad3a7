#include "gan/pictures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sonograd {
namespace {

constexpr Int gap = 2;    // white pixels between the pictures of a sheet
constexpr Int side = 16;  // of a thumbnail

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

std::vector<double> thumbnail(std::span<const std::uint8_t> pixels, Int height, Int width) {
  const Int tall = height / side, broad = width / side;
  std::vector<double> grey(static_cast<std::size_t>(side * side), 0.0);
  for (Int y = 0; y < side * tall; ++y)
    for (Int x = 0; x < side * broad; ++x)
      for (Int c = 0; c < 3; ++c)
        grey[static_cast<std::size_t>(y / tall * side + x / broad)] +=
            pixels[static_cast<std::size_t>((y * width + x) * 3 + c)];
  const double mean = std::accumulate(grey.begin(), grey.end(), 0.0) / static_cast<double>(grey.size());
  for (double& level : grey) level -= mean;
  const double length = std::sqrt(dot(grey, grey));
  const double least = 1e-9 * mean;  // what rounding leaves of one grey
  for (double& level : grey) level = length > least ? level / length : 0;
  return grey;
}

}  // namespace

ImageSet to_bytes(const Tensor& pixels) {
  ImageSet set{pixels.size(1), pixels.size(2), {}, {}};
  set.pixels.reserve(static_cast<std::size_t>(pixels.elements()));
  for (const double x : pixels.values())
    set.pixels.push_back(static_cast<std::uint8_t>(255 * std::clamp(x, 0.0, 1.0)));
  return set;
}

Image contact_sheet(const ImageSet& pictures, Int columns) {
  const Int rows = (pictures.size() + columns - 1) / columns;
  Image sheet(rows * (pictures.height + gap) - gap, columns * (pictures.width + gap) - gap);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), std::uint8_t{255});
  for (Int i = 0; i < pictures.size(); ++i) {
    const auto pixels = pictures.image(i);
    for (Int y = 0; y < pictures.height; ++y)
      std::copy_n(
          pixels.begin() + y * pictures.width * 3, pictures.width * 3,
          sheet.row(i / columns * (pictures.height + gap) + y) + i % columns * (pictures.width + gap) * 3);
  }
  return sheet;
}

std::vector<std::vector<double>> thumbnails(const ImageSet& pictures, std::span<const Int> chosen) {
  std::vector<std::vector<double>> list;
  for (const Int i : chosen) list.push_back(thumbnail(pictures.image(i), pictures.height, pictures.width));
  return list;
}

double mean_similarity(const std::vector<std::vector<double>>& thumbnails) {
  const auto n = thumbnails.size();
  if (n < 2) return NAN;
  const auto blank = [&](std::size_t i) {
    return std::all_of(thumbnails[i].begin(), thumbnails[i].end(), [](double x) { return x == 0; });
  };
  double total = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) total += blank(i) && blank(j) ? 1 : dot(thumbnails[i], thumbnails[j]);
  return total / (static_cast<double>(n) * static_cast<double>(n - 1) / 2);
}

std::vector<Int> all_of(Int n) {
  std::vector<Int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), Int{0});
  return all;
}

}  // namespace sonograd
