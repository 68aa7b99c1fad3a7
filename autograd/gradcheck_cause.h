#pragma once
#include <string>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// d y[j] / d x[i] at i · outputs + j, by the tape and by differences.
struct Jacobian {
  std::string input;
  Shape shape;  // of x
  Int outputs = 0;
  std::vector<double> analytic, numeric;
};

// Why the analytic values of all[wrong] differ from the numeric ones: the first of the usual mistakes that
// explains every entry, in a few words.
std::string likely_cause(const std::vector<Jacobian>& all, std::size_t wrong);

// The same for an error that backward threw.
std::string likely_cause(const std::string& error);

std::string index_text(Int number, const Shape& shape);  // [1,0,2] of the element with this row-major number

}  // namespace sonograd
