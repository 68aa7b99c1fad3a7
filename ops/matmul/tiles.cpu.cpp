#include "ops/matmul/tiles.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/parallel.h"
#include "ops/matmul/tiles_isa.h"
#include "tensor/onednn.h"
#include "tensor/storage.h"

// Packed factors lie as lines of tiles: of x 16 rows, of w 16 columns, with the tiles along k one after the
// other. A block of 2 × 2 tiles of y stays in registers while its two lines of x meet its two of w.
namespace sonograd {
namespace {

using tiles::Factor;
using tiles::Lines;
using tiles::side;

constexpr Int deepest = 1024;    // of k at a time, so that 256 packed rows of x stay in a core's cache
constexpr Int block_lines = 16;  // lines of x that a thread packs at a time
constexpr Int row_bytes = 64;

Int divided_up(Int n, Int by) {
  return (n + by - 1) / by;
}

// What LDTILECFG reads: eight registers of 16 rows of 64 bytes.
struct alignas(64) Configuration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes_in_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(Configuration) == 64);

SONOGRAD_TILES void configure() {
  static const Configuration configuration;
  asm volatile("ldtilecfg %0" : : "m"(configuration));  // g++'s intrinsic does not tell what it reads
}

SONOGRAD_TILES void release() {
  _tile_release();
}

// A block of 2 × 2 tiles of y, in registers 0 to 3, is the sum over `steps` tiles of two lines of x (4 and 5)
// and two of w (6 and 7), the second of which lies `line` numbers behind the first; at y's borders of one.
template <bool two_rows, bool two_columns>
SONOGRAD_TILES void multiply_block(const std::uint16_t* x, const std::uint16_t* w, Int line, Int steps,
                                   float* y, Int y_stride, bool add) {
  const Int y_bytes = y_stride * Int{sizeof(float)};
  float* const below = y + side * y_stride;
  for (Int row = 0; row < (two_rows ? 2 : 1) * side; ++row)  // fetched while the products run
    for (Int column = 0; column < (two_columns ? 2 : 1) * side; column += side)
      __builtin_prefetch(y + row * y_stride + column, 1);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  if (add) {
    _tile_loadd(0, y, y_bytes);
    if constexpr (two_columns) _tile_loadd(1, y + side, y_bytes);
    if constexpr (two_rows) _tile_loadd(2, below, y_bytes);
    if constexpr (two_rows && two_columns) _tile_loadd(3, below + side, y_bytes);
  }
  for (Int step = 0; step < steps; ++step, x += tiles::size, w += tiles::size) {
    _tile_loadd(4, x, row_bytes);
    _tile_loadd(6, w, row_bytes);
    if constexpr (two_rows) _tile_loadd(5, x + line, row_bytes);
    if constexpr (two_columns) _tile_loadd(7, w + line, row_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (two_columns) _tile_dpbf16ps(1, 4, 7);
    if constexpr (two_rows) _tile_dpbf16ps(2, 5, 6);
    if constexpr (two_rows && two_columns) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, y, y_bytes);
  if constexpr (two_columns) _tile_stored(1, y + side, y_bytes);
  if constexpr (two_rows) _tile_stored(2, below, y_bytes);
  if constexpr (two_rows && two_columns) _tile_stored(3, below + side, y_bytes);
  asm volatile("" : : : "memory");  // y was written
}

void copy(Int rows, Int columns, const float* from, Int from_stride, float* to, Int to_stride) {
  for (Int i = 0; i < rows; ++i) std::copy_n(from + i * from_stride, columns, to + i * to_stride);
}

// Lines of a factor, packed for a part of k.
struct Packed {
  std::uint16_t* first;
  Int line;  // numbers from one line of tiles to the next

  // Lines of tiles begin … end-1 of `from`, in the order in which they lie in memory.
  void pack(const Lines& from, Int begin, Int end, Int at, Int steps, Factor factor) const {
    const auto tile = [&](Int number, Int step) {
      tiles::pack(from, number * side, at + step * tiles::depth, factor,
                  first + (number - begin) * line + step * tiles::size);
    };
    if (from.stride == 1)
      for (Int number = begin; number < end; ++number)
        for (Int step = 0; step < steps; ++step) tile(number, step);
    else
      for (Int step = 0; step < steps; ++step)
        for (Int number = begin; number < end; ++number) tile(number, step);
  }
};

// The block of y whose upper left element is `y`, of which rows × columns are there.
void multiply_corner(const std::uint16_t* x, const std::uint16_t* w, Int line, Int steps, float* y,
                     Int y_stride, Int rows, Int columns, bool add) {
  const bool two_rows = rows > side, two_columns = columns > side;
  const auto multiply = two_rows      ? two_columns ? multiply_block<true, true> : multiply_block<true, false>
                             : two_columns ? multiply_block<false, true>
                                      : multiply_block<false, false>;
  if (rows % side == 0 && columns % side == 0) return multiply(x, w, line, steps, y, y_stride, add);
  constexpr Int wide = 2 * side;
  alignas(64) float whole[wide * wide] = {};
  if (add) copy(rows, columns, y, y_stride, whole, wide);
  multiply(x, w, line, steps, whole, wide, add);
  copy(rows, columns, whole, wide, y, y_stride);
}

// Threads share y's rows or, where these are few, its columns.
void multiply_all(const View<const float>& x, const View<const float>& w, const View<float>& y) {
  const Int m = y.size(0), n = y.size(1), k = x.size(1);
  const Lines rows{x.first, m, k, x.strides[0], x.strides[1]},
      columns{w.first, n, k, w.strides[1], w.strides[0]};
  const Int x_lines = divided_up(m, side), w_lines = divided_up(n, side);
  const Int depth = divided_up(divided_up(k, divided_up(k, deepest)), tiles::depth) * tiles::depth;
  const Int line = depth * side;
  const bool many_rows = x_lines >= 4 * threads();
  const Int column_groups = many_rows ? 1 : threads();
  const Int blocks = divided_up(x_lines, block_lines);
  const Int row_groups = many_rows ? divided_up(blocks, threads()) * threads() : blocks;
  // Where group number `group` of `groups` begins: at an even line, so that blocks of 2 × 2 tiles are whole.
  const auto border = [](Int lines, Int group, Int groups) {
    return std::min(divided_up(lines, 2) * group / groups * 2, lines);
  };

  const Storage w_space(w_lines * line * 2);
  const auto w_at = [&](Int number) { return static_cast<std::uint16_t*>(w_space.data()) + number * line; };
  for (Int at = 0; at < k; at += depth) {
    const Int steps = divided_up(std::min(depth, k - at), tiles::depth);
    parallel_for(w_lines, 1, [&](Int begin, Int end) {
      Packed{w_at(begin), line}.pack(columns, begin, end, at, steps, Factor::w);
    });
    parallel_for(row_groups * column_groups, 1, [&](Int begin, Int end) {
      const Storage x_space(2 * divided_up(divided_up(x_lines, 2), row_groups) * line * 2);
      const Packed packed_x{static_cast<std::uint16_t*>(x_space.data()), line};
      configure();
      for (Int task = begin; task < end; ++task) {
        const Int row_group = task % row_groups, column_group = task / row_groups;
        const Int first_row = border(x_lines, row_group, row_groups),
                  last_row = border(x_lines, row_group + 1, row_groups),
                  first_column = border(w_lines, column_group, column_groups),
                  last_column = border(w_lines, column_group + 1, column_groups);
        if (first_column < last_column) packed_x.pack(rows, first_row, last_row, at, steps, Factor::x);
        for (Int j = first_column; j < last_column; j += 2)
          for (Int i = first_row; i < last_row; i += 2)
            multiply_corner(packed_x.first + (i - first_row) * line, w_at(j), line, steps,
                            y.first + i * side * y.strides[0] + j * side, y.strides[0],
                            std::min(2 * side, m - i * side), std::min(2 * side, n - j * side), at > 0);
      }
      release();
    });
  }
}

View<const float> part(View<const float> matrix, int axis, Int begin, Int end) {
  matrix.first += begin * matrix.strides[axis];
  matrix.shape[axis] = end - begin;
  return matrix;
}

}  // namespace

void multiply_by_tiles(const View<const float>& x, const View<const float>& w, const View<float>& y) {
  const Int m = y.size(0), n = y.size(1), k = x.size(1), parts = threads();
  if (parts == 1 || k < 4 * parts * std::max(m, n)) return multiply_all(x, w, y);
  // Few sums of many products: each thread makes its own part of all of them.
  const Storage space((parts - 1) * m * n * Int{sizeof(float)});
  auto* const others = static_cast<float*>(space.data());
  parallel_for(parts, 1, [&](Int begin, Int end) {
    for (Int p = begin; p < end; ++p) {
      const Int first = k * p / parts, last = k * (p + 1) / parts;
      const View<float> sum = p == 0 ? y : View<float>{others + (p - 1) * m * n, {m, n}, {n, 1}};
      multiply_all(part(x, 1, first, last), part(w, 0, first, last), sum);
    }
  });
  parallel_for(m, 1, [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i)
      for (Int p = 1; p < parts; ++p)
        for (Int j = 0; j < n; ++j) y(i, j) += others[((p - 1) * m + i) * n + j];
  });
}

bool has_tiles() {
  static const bool has = [] {
#ifdef SONOGRAD_NO_AVX512
    return false;
#else
    constexpr int amx = dnnl_cpu_isa_avx512_core_amx;
    constexpr long ask_for_state = 0x1023, tile_data = 18;  // Linux keeps tiles for processes that asked
    return (dnnl_get_effective_cpu_isa() & amx) == amx &&
           syscall(SYS_arch_prctl, ask_for_state, tile_data) == 0;
#endif
  }();
  return has;
}

}  // namespace sonograd
