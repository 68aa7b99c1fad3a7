#pragma once
#include <string>
#include <vector>

#include "report/svg.h"

namespace sonograd {

// A value of a long run at its steps 1, 2, …
struct StepCurve {
  std::string name;
  std::vector<double> values;
};

// At most 200 points a curve, each the mean of as many steps, the same number in all but the last. The axis
// holds 0, `high` and every point.
Svg step_curves(const std::string& title, const std::vector<StepCurve>& curves, double high = 0);

}  // namespace sonograd
