#pragma once
#include "base/parallel.h"
#include "tensor/tensor.h"

namespace sonograd {

// out[n,c] = scale · Σ_r v[n,r,c], summed in f64 in an order that depends on the sizes and the number of
// threads alone. add(n, begin, end, sums) adds the rows begin … end-1 of image n to sums[0 … columns-1]; the
// rows of one image are shared among threads where there are fewer images than threads.
template <class F>
void sum_rows(Int images, Int rows, Int columns, float* out, double scale, F&& add) {
  const Int grain = std::max<Int>(1, 16384 / std::max<Int>(1, columns));  // rows
  const Int pieces = std::clamp<Int>(rows / grain, 1, std::max<Int>(1, threads() / std::max<Int>(1, images)));
  Tensor partial = Tensor::zeros({images * pieces, columns}, DType::f64);
  double* const sums = partial.mutable_data<double>();
  parallel_for(images * pieces, std::max<Int>(1, grain * pieces / std::max<Int>(1, rows)),
               [&](Int begin, Int end) {
                 for (Int k = begin; k < end; ++k) {
                   const Int piece = k % pieces;
                   add(k / pieces, rows * piece / pieces, rows * (piece + 1) / pieces, sums + k * columns);
                 }
               });
  for (Int n = 0; n < images; ++n)
    for (Int c = 0; c < columns; ++c) {
      double total = 0;
      for (Int piece = 0; piece < pieces; ++piece) total += sums[(n * pieces + piece) * columns + c];
      out[n * columns + c] = static_cast<float>(scale * total);
    }
}

}  // namespace sonograd
