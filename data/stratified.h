#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

struct TwoParts {
  std::vector<Int> first, second;  // positions in the list that was split, shuffled
};

// scikit-learn's train_test_split(test_size=fraction, random_state=seed, stratify=labels), bit for bit:
// `first` is its training part, `second` its test part of ceil(fraction·n). Labels are 0 … classes-1. Throws
// Error where scikit-learn does: a class with fewer than two members, a part with fewer places than classes,
// a seed of 2³² or more.
TwoParts stratified_split(std::span<const Int> labels, Int classes, double fraction, std::uint64_t seed);

}  // namespace sonograd
