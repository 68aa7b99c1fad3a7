#pragma once
#include <string>
#include <string_view>

#include "tensor/shape.h"

namespace sonograd {

// What stands in a NumPy .npy of version 1.0 before the elements, which begin at a multiple of 64 bytes;
// `type` is NumPy's word for theirs, <f4.
//
//   https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
std::string npy_header(std::string_view type, const Shape& shape);

}  // namespace sonograd
