#pragma once
#include <vector>

#include "data/folder.h"
#include "data/images.h"

namespace sonograd {

// Two samples that show the same picture, by their positions in the dataset.
struct Twins {
  Int first = 0, second = 0;
  double correlation = 1;  // of the two pictures, shrunk to 32 x 32 grey levels
};

struct Duplicates {
  std::vector<Twins> exact;      // the same bytes, or the same pixels after decoding
  std::vector<Twins> near;       // not exact, but a correlation of at least near_correlation
  std::vector<Twins> conflicts;  // exact or near, with different labels
  std::vector<Int> groups;       // one a sample: the first of the samples that twins connect it with
};

constexpr double near_correlation = 0.99;

// Compares every picture with every other.
Duplicates find_duplicates(const Dataset& data, const ImageSet& images);

}  // namespace sonograd
