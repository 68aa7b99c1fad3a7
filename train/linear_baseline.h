#pragma once
#include "data/images.h"

namespace sonograd {

// What a linear classifier on the pixels reaches, for comparison with a network: softmax regression on the
// pictures' grey levels at side x side, each pixel standardised over the training pictures, weights by
// full-batch gradient descent with a small L2 penalty. Deterministic. Returns the predicted class of each
// test picture.
std::vector<Int> linear_baseline(const ImageSet& images, std::span<const Int> labels, Int classes,
                                 std::span<const Int> train, std::span<const Int> test, Int side = 16);

}  // namespace sonograd
