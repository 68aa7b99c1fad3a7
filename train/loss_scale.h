#pragma once
#include <algorithm>

#include "tensor/shape.h"

namespace sonograd {

// Dynamic loss scaling, for training in f16: the loss is multiplied by `value` before backward, so that small
// gradients are not rounded to zero, and the gradients are divided by it again. An update whose gradients are
// not finite is skipped (Micikevicius et al. 2018, "Mixed precision training"; the numbers are those of
// PyTorch's GradScaler). At `least` there is nothing left to halve: such gradients are then an error.
struct LossScale {
  static constexpr double first = 65536, least = 1;
  static constexpr Int updates_to_double = 2000;

  double value = first;
  Int good = 0;     // updates since it last changed
  Int skipped = 0;  // updates

  // After each update, by whether its gradients overflowed.
  void update(bool overflowed) {
    if (overflowed) {
      value = std::max(value / 2, least);
      good = 0;
      ++skipped;
    } else if (++good == updates_to_double) {
      value *= 2;
      good = 0;
    }
  }
};

}  // namespace sonograd
