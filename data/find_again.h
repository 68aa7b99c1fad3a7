#pragma once
#include "data/fingerprint.h"

namespace sonograd {

// How one picture lies in another.
struct Overlap {
  double correlation = 0;        // of the fine structure, 64 x 64 cells, where they overlap
  Flip flip = Flip::none;        // of the second picture
  Crop first = {}, second = {};  // the parts that show the same, of the pictures as they are
  int bits = 0;                  // by which the hashes of the nearest windows differ
};

// Hashes of a picture's windows, as it is and flipped.
class WindowHashes {
 public:
  WindowHashes() = default;
  explicit WindowHashes(const Fingerprint& print);
  // The nearest of all windows and flips of two pictures that a flip, a crop of up to a quarter of the sides
  // or a shift could have made of each other, by different_bits.
  static Overlap nearest(const WindowHashes& first, const WindowHashes& second);

 private:
  std::array<std::vector<Hash>, flips> hashes;  // [flip][window of the flipped picture]
};

// The candidate with its first window moved and stretched until the correlation is greatest.
Overlap confirm(const Fingerprint& first, const Fingerprint& second, Overlap candidate);

}  // namespace sonograd
