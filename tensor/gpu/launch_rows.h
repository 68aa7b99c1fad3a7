#pragma once
#include "tensor/gpu/launch.h"

// Kernels that work on a row of a matrix at a time, for *.cu alone.
namespace sonograd::gpu {

// A row by so many neighbouring threads, its lanes, a power of 2; element lane + k·lanes is the k-th of a
// lane. If `held`, no lane has more than `most`, which stay in its registers: the row is read once.
template <bool held>
struct RowLanes {
  static constexpr int most = 8;
  Int columns;
  int lane, lanes;

  using Column = std::conditional_t<held, int, Int>;
  struct At {
    int k;
    Column column;
  };

  // f(at) for each element of this lane.
  template <class F>
  __device__ void each(F f) const {
    if constexpr (held) {
      for (int k = 0; k < most; ++k)
        if (const int column = lane + k * lanes; column < columns) f(At{k, column});
    } else {
      for (Int column = lane; column < columns; column += lanes) f(At{0, column});
    }
  }

  // f(at) of each element, computed now where the row is held, else again by each who asks.
  template <class F>
  struct Kept {
    F f;
    float values[held ? most : 1];
    __device__ float operator()(At at) const {
      if constexpr (held) return values[at.k];
      return f(at);
    }
  };
  template <class F>
  __device__ Kept<F> keep(F f) const {
    Kept<F> kept{f, {}};
    if constexpr (held) each([&](At at) { kept.values[at.k] = f(at); });
    return kept;
  }

  // Over the whole row, which each lane gets; the order depends on the row's size alone.
  template <class F>
  __device__ float sum(F f) const {
    float sum = 0;
    each([&](At at) { sum += f(at); });
    return join_lanes(sum, lanes, [](float a, float b) { return a + b; });
  }
};

// All threads of a block join at once: those behind the last row take it too, and write the same. There is no
// loop over rows, as nvcc would keep all that they share in registers.
template <bool held, class F>
__global__ void each_row_kernel(Int rows, Int columns, int lanes, F f) {
  const int thread = static_cast<int>(threadIdx.x);
  const Int row = Int{blockIdx.x} * (block_threads / lanes) + thread / lanes;
  f(std::min(row, rows - 1), RowLanes<held>{columns, thread % lanes, lanes});
}

// f(r, row) for each row by its lanes, no more than it needs.
template <class F>
void for_each_row(Int rows, Int columns, F f) {
  if (rows == 0) return;
  int lanes = 1;
  while (lanes < block_threads && lanes * RowLanes<true>::most < columns) lanes *= 2;
  const bool held = columns <= lanes * RowLanes<true>::most;
  const Int rows_of_a_block = block_threads / lanes;
  launch(held ? each_row_kernel<true, F> : each_row_kernel<false, F>,
         (rows + rows_of_a_block - 1) / rows_of_a_block, rows, columns, lanes, f);
}

}  // namespace sonograd::gpu
