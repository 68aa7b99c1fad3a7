#pragma once
#include <algorithm>

#include "tensor/gpu/launch.h"

// Kernels over the columns of matrices [rows, columns], for *.cu alone: elements that share what belongs to
// their column, and sums over rows.
namespace sonograd::gpu {

// How blocks take [rows, columns]: each a tile of neighbouring columns and a piece of the rows. A thread has
// the column thread % width of the tile, and every lanes()-th row of the piece from thread / width on.
struct Tiling {
  int width, tiles, pieces;  // width is a power of 2, at most 32
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

template <class Of>
__global__ void map_columns_kernel(Int rows, Int columns, Tiling tiling, float* y, Of of) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread / tiling.width, lanes = tiling.lanes();
  for (int k = static_cast<int>(blockIdx.x); k < tiling.tiles * tiling.pieces;
       k += static_cast<int>(gridDim.x)) {
    const Int c = Int{k % tiling.tiles} * tiling.width + thread % tiling.width;
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

// Images × tiles × pieces, each by a block, two of which a multiprocessor must hold: 128 registers a thread.
template <int kinds, int most, class Part, class Finish>
__global__ void __launch_bounds__(block_threads, 2)
    sum_pieces_kernel(Int images, Int rows, Int columns, Tiling tiling, Part part, Finish finish,
                      double* partial) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread / tiling.width;
  for (Int k = blockIdx.x; k < images * tiling.tiles * tiling.pieces; k += gridDim.x) {
    const Place tile = place(k, tiling.tiles), piece = place(tile.row, tiling.pieces);
    const Int c = tile.column * tiling.width + thread % tiling.width, n = piece.row;
    const Int begin = piece.column * tiling.rows_of_a_piece, reach = Int{most} * tiling.lanes();
    const Int end = begin + tiling.rows_of_a_piece < rows ? begin + tiling.rows_of_a_piece : rows;
    Sums<kinds, double> sum{};
    if (c < columns)
      for (Int r = begin + lane; r < end; r += reach) {
        const auto one = part(n, Rows{r, r + reach < end ? r + reach : end, tiling.lanes()}, c);
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

// Columns of a block here, few, so that many lanes add the pieces of each.
constexpr int finish_width = 8;

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
  // A thread takes a quarter of a part at least; and blocks enough to fill large GPUs, of whichever this is
  // one: the bits depend on their number. More are no faster, and each leaves sums to add.
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
