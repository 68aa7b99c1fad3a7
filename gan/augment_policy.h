#pragma once
#include <string>
#include <vector>

#include "base/philox.h"
#include "tensor/tensor.h"

namespace sonograd {

// Differentiable augmentation (Zhao, Liu, Lin, Zhu & Han 2020, "Differentiable augmentation for
// data-efficient GAN training", appendix): real and generated pictures alike, in the updates of both
// networks, so that the generator learns through it and its own pictures stay as they are.
struct AugmentPolicy {
  bool color = false;        // brightness, saturation and contrast, each by a draw of its own
  bool translation = false;  // by up to an eighth of the size
  bool cutout = false;       // a square of half the size, anywhere

  bool any() const { return color || translation || cutout; }
};

// From names such as {"color", "cutout"}; throws UsageError for others.
AugmentPolicy augment_policy(const std::vector<std::string>& names);
std::string text_of(const AugmentPolicy& policy);  // "color,cutout"; "none"

// Pictures [n, s, s, 3] with pixels 0 … 1, each changed by its own draws from the stream. The ranges are the
// paper's, whose pixels are -1 … 1: what translation and cutout leave blank is its 0, mid-grey 0.5 here.
Tensor augmented(const Tensor& pictures, const AugmentPolicy& policy, const Random& random);

}  // namespace sonograd
