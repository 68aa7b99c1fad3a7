#pragma once
#include <limits>

#include "tensor/shape.h"

namespace sonograd {

// Keras' EarlyStopping on a value that should fall (val_loss): stops once `patience` epochs have passed
// without a new minimum.
struct EarlyStopping {
  Int patience = 25;

  double best = std::numeric_limits<double>::infinity();
  Int best_epoch = -1;  // counted from 0
  Int wait = 0;

  // Told of each epoch's value, epochs counted from 0; true where training should stop now.
  bool stops(Int epoch, double value) {
    ++wait;
    if (value < best) {
      best = value;
      best_epoch = epoch;
      wait = 0;
      return false;
    }
    return wait >= patience && epoch > 0;
  }
};

// Keras' ModelCheckpoint(save_best_only) on a value that should rise (val_accuracy): only a strictly greater
// one counts.
struct BestValue {
  double best = -std::numeric_limits<double>::infinity();
  Int epoch = -1;

  bool improves(Int now, double value) {
    if (!(value > best)) return false;
    best = value;
    epoch = now;
    return true;
  }
};

}  // namespace sonograd
