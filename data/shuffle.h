#pragma once
#include <utility>
#include <vector>

#include "base/philox.h"

namespace sonograd {

// Fisher-Yates by the draws 1 … n-1 of the stream: every order is equally likely.
inline std::vector<Int> shuffled(std::vector<Int> values, const Random& random) {
  for (Int i = static_cast<Int>(values.size()) - 1; i > 0; --i)
    std::swap(values[i], values[random.below(i + 1, i)]);
  return values;
}

}  // namespace sonograd
