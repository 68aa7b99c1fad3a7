#include "train/linear_baseline.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace sonograd;

namespace {

// Pictures of 8x8 whose class is told by `shade(label, row, column)`, with a little disorder.
ImageSet pictures(std::vector<Int>& labels, int (*shade)(Int, Int, Int)) {
  ImageSet set{8, 8, {}, {}};
  for (Int i = 0; i < 60; ++i) {
    labels.push_back(i % 3);
    for (Int p = 0; p < 64; ++p)
      for (int channel = 0; channel < 3; ++channel)
        set.pixels.push_back(static_cast<std::uint8_t>(shade(i % 3, p / 8, p % 8) + (i * 37 + p * 11) % 23));
  }
  return set;
}

double accuracy(const ImageSet& images, const std::vector<Int>& labels) {
  std::vector<Int> train, test;
  for (Int i = 0; i < images.size(); ++i) (i < 42 ? train : test).push_back(i);
  const std::vector<Int> predicted = linear_baseline(images, labels, 3, train, test, 8);
  double right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) right += predicted[i] == labels[test[i]];
  return right / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE("the linear baseline learns what is linear and not what is a product of pixels") {
  std::vector<Int> labels;
  const ImageSet bright = pictures(labels, [](Int label, Int y, Int) { return y == 2 * label ? 90 : 60; });
  CHECK(accuracy(bright, labels) == 1.0);
  std::fill(labels.begin(), labels.end(), 0);
  for (Int i = 0; i < 60; ++i) labels[i] = i / 3 % 3;  // labels that the pictures do not show
  CHECK(accuracy(bright, labels) < 0.7);
}
