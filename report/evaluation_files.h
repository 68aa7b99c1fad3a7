#pragma once
#include <vector>

#include "report/metrics.h"
#include "report/predictions.h"
#include "report/run_folder.h"

namespace sonograd {

// What an evaluation leaves beside its metrics and predictions, for a person as SVG in figures/: confusion
// matrix, precision and recall of each class, ROC and precision-recall curves, calibration; for scripts as
// CSV, a number a column, in tables/: per_class, confusion_matrix, ranking (report/ranking.h). Without
// predictions, those that need none. Throws Error where the disk is full.
void write_evaluation(const Metrics& metrics, const std::vector<Prediction>& predictions,
                      const RunFolder& folder);

}  // namespace sonograd
