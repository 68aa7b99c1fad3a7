#pragma once
#include <algorithm>

#include "tensor/divisor.h"
#include "tensor/gpu_runtime.h"
#include "tensor/simd.h"
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
// Several are read, 64 bytes, before the first is written: a thread waits for a load where its value is used,
// and nvcc moves no load before a store that might be to the same address. Past the end the last is read
// again.
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

// write(i, read(i)) for each i of 0 … n-1, in the way of read_ahead(): what is bound by memory goes so, with
// nothing but loads in read().
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

// How blocks take the elements of [rows, columns]: each a tile of neighbouring columns, a power of 2, by the
// first threads, and a piece of the rows, by as many lanes as there are threads left. Numbers of 32 bits, as
// a gpu divides those several times faster.
struct Tiling {
  int width, tiles, pieces;
  Int rows_of_a_piece;

  Tiling(Int rows, Int columns, Int rows_of_a_thread, Int most_pieces) {
    for (width = 1; width < columns && width < 32;) width *= 2;
    tiles = static_cast<int>((columns + width - 1) / width);
    const Int wanted = std::clamp<Int>(rows / (rows_of_a_thread * lanes()), 1, std::max<Int>(1, most_pieces));
    rows_of_a_piece = std::max<Int>(1, (rows + wanted - 1) / wanted);
    pieces = static_cast<int>(std::max<Int>(1, (rows + rows_of_a_piece - 1) / rows_of_a_piece));
  }
  SONOGRAD_INLINE int lanes() const { return block_threads / width; }
};

constexpr int batch =
    4;  // values that a thread computes before it writes them: their inputs are read at once

template <class Of>
__global__ void map_columns_kernel(Int rows, Int columns, Tiling tiling, float* y, Of of) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread / tiling.width, lanes = tiling.lanes();
  for (int k = static_cast<int>(blockIdx.x); k < tiling.tiles * tiling.pieces;
       k += static_cast<int>(gridDim.x)) {
    const Int c = k % tiling.tiles * tiling.width + thread % tiling.width;
    if (c >= columns) continue;
    const Int begin = k / tiling.tiles * tiling.rows_of_a_piece;
    const Int end = begin + tiling.rows_of_a_piece < rows ? begin + tiling.rows_of_a_piece : rows;
    read_ahead(begin + lane, lanes, end, of(c), [=](Int r, float value) { y[r * columns + c] = value; });
  }
}

// y[r, c] = of(c)(r), dense: what of(c) reads of a column serves several rows.
template <class Of>
void map_columns(Int rows, Int columns, float* y, Of of) {
  if (rows * columns == 0) return;
  const Tiling tiling(rows, columns, 16, rows);
  launch(map_columns_kernel<Of>, blocks_for(Int{tiling.tiles} * tiling.pieces), rows, columns, tiling, y, of);
}

// The sum of the values of all threads whose numbers differ by multiples of `width`, a power of 2; the same
// tree every time. The first `width` threads get it.
inline __device__ double add_lanes(double value, int width) {
  __shared__ double sums[block_threads];
  const int thread = static_cast<int>(threadIdx.x);
  sums[thread] = value;
  __syncthreads();
  for (int half = block_threads / 2; half >= width; half /= 2) {
    if (thread < half) sums[thread] += sums[thread + half];
    __syncthreads();
  }
  const double all = sums[thread % width];
  __syncthreads();
  return all;
}

template <int kinds, class T>
struct Sums {
  T of[kinds];
};

// Rows begin, begin + step, … below end.
struct Rows {
  Int begin, end, step;
};

// Images × tiles × pieces, each by a block.
template <int kinds, int most, class Part, class Finish>
__global__ void __launch_bounds__(block_threads, 2)
    sum_pieces_kernel(Int images, Int rows, Int columns, Tiling tiling, Part part, Finish finish,
                      double* partial) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread / tiling.width;
  for (Int k = blockIdx.x; k < images * tiling.tiles * tiling.pieces; k += gridDim.x) {
    const Place tile = place(k, tiling.tiles), piece = place(tile.row, tiling.pieces);
    const Int c = tile.column * tiling.width + thread % tiling.width, n = piece.row;
    const Int begin = piece.column * tiling.rows_of_a_piece, stride = Int{most} * tiling.lanes();
    const Int end = begin + tiling.rows_of_a_piece < rows ? begin + tiling.rows_of_a_piece : rows;
    Sums<kinds, double> sum{};
    if (c < columns)
      for (Int r = begin + lane; r < end; r += stride) {
        const auto one = part(n, Rows{r, r + stride < end ? r + stride : end, tiling.lanes()}, c);
        for (int kind = 0; kind < kinds; ++kind) sum.of[kind] += static_cast<double>(one.of[kind]);
      }
    for (int kind = 0; kind < kinds; ++kind) sum.of[kind] = add_lanes(sum.of[kind], tiling.width);
    if (lane > 0 || c >= columns) continue;
    if (tiling.pieces == 1)
      finish(n, c, sum);
    else
      for (int kind = 0; kind < kinds; ++kind)
        partial[(tile.row * kinds + kind) * columns + c] = sum.of[kind];
  }
}

constexpr int finish_width =
    8;  // columns of a block, whose pieces are added by as many lanes as there is room

template <int kinds, class Finish>
__global__ void sum_finish_kernel(Int images, Int columns, int pieces, const double* partial, Finish finish) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread / finish_width;
  for (Int first = Int{blockIdx.x} * finish_width; first < images * columns;
       first += Int{gridDim.x} * finish_width) {
    const Int i = first + thread % finish_width;
    const Place at = place(i, columns);
    Sums<kinds, double> total{};
    if (i < images * columns)
      read_ahead(
          lane, block_threads / finish_width, pieces,
          [&](Int piece) {
            Sums<kinds, double> one{};
            for (int kind = 0; kind < kinds; ++kind)
              one.of[kind] = partial[((at.row * pieces + piece) * kinds + kind) * columns + at.column];
            return one;
          },
          [&](Int, const Sums<kinds, double>& one) {
            for (int kind = 0; kind < kinds; ++kind) total.of[kind] += one.of[kind];
          });
    for (int kind = 0; kind < kinds; ++kind) total.of[kind] = add_lanes(total.of[kind], finish_width);
    if (lane == 0 && i < images * columns) finish(at.row, at.column, total);
  }
}

// The sums of part(n, rows, c) over all rows of each image n and column c, given to finish(n, c, sums). A
// part is of `most` rows at most, which are added in f32, and gives `kinds` sums at once, as Sums<kinds,
// double>; the parts are added in f64, in an order that depends on the sizes alone.
template <int kinds, int most, class Part, class Finish>
void sum_parts(Int images, Int rows, Int columns, Part part, Finish finish) {
  if (images * columns == 0) return;
  // Blocks enough to fill a GPU; more are no faster, and each leaves sums to add.
  const Tiling tiling(rows, columns, most / 4, 1024 / (images * ((columns + 31) / 32)));
  const int pieces = tiling.pieces;
  Tensor partial =
      Tensor::empty({pieces > 1 ? images * pieces * kinds : 0, columns}, DType::f64, Device::gpu);
  double* const sums = partial.mutable_gpu_data<double>();
  launch(sum_pieces_kernel<kinds, most, Part, Finish>, blocks_for(images * tiling.tiles * pieces), images,
         rows, columns, tiling, part, finish, sums);
  if (pieces > 1)
    launch(sum_finish_kernel<kinds, Finish>, blocks_for((images * columns + finish_width - 1) / finish_width),
           images, columns, pieces, static_cast<const double*>(sums), finish);
}

// Σ_r term(n, r, c), likewise, where term gives Sums<kinds, float>: at most 64 are added in f32.
template <int kinds, class Term>
struct PartOfTerms {
  Term term;
  __device__ Sums<kinds, float> operator()(Int n, Rows rows, Int c) const {
    Sums<kinds, float> sum{};
    read_ahead(
        rows.begin, rows.step, rows.end, [&](Int r) { return term(n, r, c); },
        [&](Int, const Sums<kinds, float>& one) {
          for (int kind = 0; kind < kinds; ++kind) sum.of[kind] += one.of[kind];
        });
    return sum;
  }
};
template <int kinds, class Term, class Finish>
void sum_rows(Int images, Int rows, Int columns, Term term, Finish finish) {
  sum_parts<kinds, 64>(images, rows, columns, PartOfTerms<kinds, Term>{term}, finish);
}

}  // namespace sonograd::gpu
