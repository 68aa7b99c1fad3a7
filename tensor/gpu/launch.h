#pragma once
#include <algorithm>

#include "base/simd.h"
#include "tensor/divisor.h"
#include "tensor/gpu/runtime.h"
#include "tensor/tensor.h"

// How kernels of ours are written, for *.cu alone: with lambdas `[=] __device__ (…) { … }` that hold pointers
// and numbers by value. nvcc compiles them for the GPU, and g++ for the tests' stand-in (tests/gpu_standin),
// so they keep to C++ that both know. No order of threads is assumed and no sum depends on one.
namespace sonograd::gpu {

constexpr int block_threads = 256;

// kernel(arguments…) on so many blocks of threads.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Int blocks, const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks), 1, 1);
  config.blockDim = dim3(block_threads, 1, 1);
  config.stream = stream();
  check(cudaLaunchKernelEx(&config, kernel, arguments...), "cudaLaunchKernelEx", {blocks, "blocks"});
}

// Enough to keep the GPU busy; a thread takes several items where there are more.
inline Int blocks_for(Int items_of_a_block) {
  return std::min<Int>(items_of_a_block, Int{16} * multiprocessors());
}

// Most numbers are below 2^32, and a gpu divides those several times faster. A Divisor is faster still.
using sonograd::Place;
SONOGRAD_INLINE Place place(Int number, Int columns) {
  if (number <= 0xFFFFFFFF && columns <= 0xFFFFFFFF) {
    const auto n = static_cast<unsigned>(number), c = static_cast<unsigned>(columns);
    return {static_cast<Int>(n / c), static_cast<Int>(n % c)};
  }
  return {number / columns, number % columns};
}

// The same in images [n,height,width,channels].
struct Pixel {
  Int n, row, column, channel;
};
SONOGRAD_INLINE Pixel pixel(Int number, Int height, Int width, Int channels) {
  const Place channel = place(number, channels), column = place(channel.row, width),
              row = place(column.row, height);
  return {row.row, row.column, column.column, channel.column};
}

template <class F>
__global__ void each_kernel(Int n, F f) {
  const Int step = Int{gridDim.x} * block_threads;
  for (Int i = Int{blockIdx.x} * block_threads + threadIdx.x; i < n; i += step) f(i);
}

// f(i) for each i of 0 … n-1
template <class F>
void for_each(Int n, F f) {
  if (n > 0) launch(each_kernel<F>, blocks_for((n + block_threads - 1) / block_threads), n, f);
}

// write(i, read(i)) for i = first, first + step, … below end, where no write may change what another i reads.
// Several are read, at most 64 bytes, before the first is written: a thread waits for a load where its value
// is used, and nvcc moves no load before a store that might be to the same address. Past the end the last is
// read again.
template <class Read, class Write>
__device__ void read_ahead(Int first, Int step, Int end, const Read& read, const Write& write) {
  using Value = decltype(read(first));
  constexpr int ahead = sizeof(Value) <= 16 ? 4 : sizeof(Value) <= 32 ? 2 : 1;
  for (; first < end; first += ahead * step) {
    Value values[ahead];
    for (int k = 0; k < ahead; ++k) values[k] = read(std::min(first + k * step, end - 1));
    for (int k = 0; k < ahead; ++k)
      if (first + k * step < end) write(first + k * step, values[k]);
  }
}

template <class Read, class Write>
__global__ void read_write_kernel(Int n, Read read, Write write) {
  read_ahead(Int{blockIdx.x} * block_threads + threadIdx.x, Int{gridDim.x} * block_threads, n, read, write);
}

// write(i, read(i)) for each i of 0 … n-1, in the way of read_ahead(): what is bound by memory goes so.
template <class Read, class Write>
void for_each(Int n, Read read, Write write) {
  constexpr Int of_a_block = 4 * block_threads;
  if (n > 0)
    launch(read_write_kernel<Read, Write>, blocks_for((n + of_a_block - 1) / of_a_block), n, read, write);
}

// join(…) of the values of each so many neighbouring threads of a block, a power of 2, which each of them
// gets; the same tree every time. All threads of the block must come here.
template <class T, class Join>
__device__ T join_lanes(T value, int lanes, Join join) {
  __shared__ T partial[block_threads];
  const int thread = static_cast<int>(threadIdx.x), lane = thread % lanes;
  partial[thread] = value;
  __syncthreads();
  for (int half = lanes / 2; half > 0; half /= 2) {
    if (lane < half) partial[thread] = join(partial[thread], partial[thread + half]);
    __syncthreads();
  }
  const T all = partial[thread - lane];
  __syncthreads();
  return all;
}
template <class T, class Join>
__device__ T join_block(T value, Join join) {
  return join_lanes(value, block_threads, join);
}

template <class F>
__global__ void each_block_kernel(Int n, F f) {
  for (Int i = blockIdx.x; i < n; i += gridDim.x) f(i, static_cast<Int>(threadIdx.x));
}

// f(i, thread) for each i of 0 … n-1 by the threads 0 … block_threads-1 of one block, which may join.
template <class F>
void for_each_block(Int n, F f) {
  if (n > 0) launch(each_block_kernel<F>, blocks_for(n), n, f);
}

}  // namespace sonograd::gpu
