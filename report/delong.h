#pragma once
#include "report/curves.h"

namespace sonograd {

// DeLong, DeLong & Clarke-Pearson (1988), "Comparing the areas under two or more correlated receiver
// operating characteristic curves": the variance of an AUC from what each positive and each negative adds to
// it,
//
//   V10_i = mean over negatives of ψ(x_i, y_j)    V01_j = mean over positives of ψ(x_i, y_j)
//   ψ(x, y) = 1 for x > y, 1/2 for x = y, else 0
//   var(AUC) = var(V10) / m + var(V01) / n        (sample variances; m positives, n negatives)
struct AucInterval {
  double auc, variance;
  // auc ± normal_95 · √variance, within 0 … 1. NaN where either side has fewer than two, and where the
  // variance is 0, as for a perfect ranking: so few images do not make it certain.
  Interval interval;
};
AucInterval delong(const Scores& scores);

// Two classifiers on the same images: z = (AUC_a − AUC_b) / √var(AUC_a − AUC_b), and its two-sided p.
struct AucComparison {
  double first, second;
  double z, p;  // NaN where either side has fewer than two, or the variance is 0: the test says nothing then
};
// Throws Error where the true labels differ.
AucComparison delong(const Scores& first, const Scores& second);

}  // namespace sonograd
