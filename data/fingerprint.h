#pragma once
#include <array>
#include <vector>

#include "data/image.h"

namespace sonograd {

// A part of a picture, in shares of its width and height.
struct Crop {
  double left = 0, top = 0, right = 1, bottom = 1;
};

enum class Flip { none, left_right, up_down, both };
constexpr int flips = 4;

using Hash = std::array<std::uint64_t, 4>;
int different_bits(const Hash& a, const Hash& b);

// What finding a picture again needs: its grey levels at 128 x 128, from which any window is drawn in any
// number of cells.
class Fingerprint {
 public:
  Fingerprint() = default;
  explicit Fingerprint(const Image& image);

  // Fine structure of a window in cells x cells: each cell's mean less the mean of the cells about it
  // (`reach` to each side), the whole with mean 0 and length 1, so that a product of two is their
  // correlation, whatever gain and offset either was shown with.
  std::vector<float> detail(const Crop& window, int cells, int reach) const;

  // The signs of a window's detail in 16 x 16 cells: a perceptual hash of 256 bits.
  Hash hash(const Crop& window) const;

 private:
  // [129, 129]: of all grey levels above and left, whole numbers below 2^24, which f32 holds exactly
  std::vector<float> sums;
};

Hash flipped(const Hash& hash, Flip flip);
std::vector<float> flipped(std::vector<float> cells, int side, Flip flip);
Crop flipped(const Crop& window, Flip flip);

}  // namespace sonograd
