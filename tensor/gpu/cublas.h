#pragma once
#include "tensor/precision.h"

// Products of matrices on the gpu, by cuBLASLt, which is opened at the first call. Everything else here is
// row-major, as our tensors are, and the library's columns are ours alone to think of. Throws gpu::Failure.
namespace sonograd::cublas {

// Throws Error where the library, of CUDA 13, cannot be opened or lacks a function.
void open();

// A matrix to read, as it lies in memory, `leading` elements from row to row; transposed: it is the stored
// matrix's transpose that is meant. Of a batch, the next begins `apart` elements later; 0: all are the same.
struct Factor {
  const float* first;
  Int leading;
  bool transposed = false;
  Int apart = 0;
};
struct Product {
  float* first;
  Int leading;
  Int apart = 0;
};

// c_b = a_b · b_b + keep · c_b for the `count` products of matrices [m,k] and [k,n], none of the sizes 0.
// With keep 0 what c held is not read. `precision` is what the factors were rounded to: TF32 keeps all bits
// of both types of 16, so that tensor cores then multiply exactly and sum in f32.
void multiply(Int m, Int n, Int k, const Factor& a, const Factor& b, const Product& c, Int count = 1,
              float keep = 0, Precision precision = Precision::full);

// to [columns,rows] = from [rows,columns] transposed, both dense
void transpose(Int rows, Int columns, const float* from, float* to);

}  // namespace sonograd::cublas
