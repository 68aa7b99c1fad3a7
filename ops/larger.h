#pragma once
#include "base/simd.h"

namespace sonograd {

// The larger of two; NaN if either is, so that it is not lost in a maximum.
template <class T>
SONOGRAD_INLINE T larger(T a, T b) {
  return b > a || b != b ? b : a;
}

}  // namespace sonograd
