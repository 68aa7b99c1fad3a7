#pragma once
#include "report/predictions.h"
#include "report/table.h"

namespace sonograd {

// How well each class's probability ranks the images: AUC with DeLong's 95 % interval, average precision, and
// the sensitivity at a specificity of at least 90 and 95 % with Wilson's interval (at thresholds that these
// very images chose, so a little too good).
Table ranking_table(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions);

}  // namespace sonograd
