#pragma once
#include "report/compare.h"

namespace sonograd {

// A model's answers to the test images of a data set.
struct Tested {
  std::string data, model;
  Predictions predictions;
};

// McNemar's exact test of every two models on one data set, in the order of `tested`. Throws Error where the
// two did not answer the same images.
struct TestedPair {
  std::string data, first, second;
  McNemar test;
};
std::vector<TestedPair> every_pair(const std::vector<Tested>& tested);
Table pairwise_table(const std::vector<Tested>& tested);  // a row a pair

// One data set's pairs as a triangle: "p (only the row's model right : only the column's)".
Table pairwise_triangle(const std::vector<Tested>& tested, const std::string& data);

}  // namespace sonograd
