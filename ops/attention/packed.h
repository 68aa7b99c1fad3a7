#pragma once
#include "tensor/precision.h"

namespace sonograd {

// On the gpu: a dense f32 x, each value rounded to the 16 bits of `precision`, in row-major order.
std::unique_ptr<Storage> packed(const Tensor& x, Precision precision);
void unpack(const Storage& from, Precision precision, Tensor& x);  // and back into a dense x

}  // namespace sonograd
