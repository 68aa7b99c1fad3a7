#pragma once
#include "report/predictions.h"
#include "report/table.h"

namespace sonograd {

// How well each class's probability ranks the images: AUC with DeLong's 95 % interval, average precision, and
// at a specificity of at least 90 and 95 % the sensitivity with Wilson's interval, how many images that is,
// and the specificity reached (at thresholds that these very images chose, so a little too good). A number a
// column, shares from 0 to 1; empty where it has no meaning.
Table ranking_table(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions);

}  // namespace sonograd
