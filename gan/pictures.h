#pragma once
#include <span>

#include "data/image.h"
#include "data/images.h"

namespace sonograd {

// Pixels 0 … 1 [n, height, width, 3] as bytes, floor(255 x) as matplotlib's imsave takes them; no content
// hashes.
ImageSet to_bytes(const Tensor& pixels);

// Pictures in rows of `columns`, with white lines of two pixels between them.
Image contact_sheet(const ImageSet& pictures, Int columns);

// Pictures [n][256]: their grey levels averaged over a grid of 16 x 16, their mean taken off and their length
// made 1; all zeros for a picture of one grey. Height and width are multiples of 16.
std::vector<std::vector<double>> thumbnails(const ImageSet& pictures, std::span<const Int> chosen);

// Mean correlation of all pairs of thumbnails, two of one grey counting 1: near 1 where all pictures look
// alike. NaN for fewer than two.
double mean_similarity(const std::vector<std::vector<double>>& thumbnails);

// All positions 0 … n-1.
std::vector<Int> all_of(Int n);

}  // namespace sonograd
