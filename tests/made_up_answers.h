#pragma once
#include <string>

#include "report/pairwise.h"

// Answers to as many images of class 0 as there are letters: r is a right one.
inline sonograd::Tested tested(const std::string& data, const std::string& model,
                               const std::string& answers) {
  sonograd::Tested one{data, model, {{"benign", "normal"}, {}}};
  for (const char answer : answers)
    one.predictions.rows.push_back(
        {std::to_string(one.predictions.rows.size()), 0, answer == 'r' ? 0 : 1, {}});
  return one;
}
