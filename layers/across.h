#pragma once
#include <functional>

#include "ops/batch_norm/batch_norm.h"

namespace sonograd {

// Processes that run one model on one batch together, each on its share of the images, as layers see them.
struct Across {
  std::function<void(Tensor& x)> sum;  // x becomes its sum over the processes, the same bits in each
  Int images = 0;                      // of the whole batch
  double share = 1;  // of these, the part that the batch at hand counts for; 0 for one that stands in
};

// Σ x over the processes. Where a tape knows x it is recorded: the gradient is the sum of theirs, so a loss
// that is a sum over the processes has the gradients that one process with the whole batch gives.
Tensor sum_across(const Tensor& x, const Across& across);

// batch_norm_train with the mean and the variance of all processes' images, which must be of one size.
Normalised batch_norm_across(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                             const BatchNormTrain& attributes, const Across& across);

}  // namespace sonograd
