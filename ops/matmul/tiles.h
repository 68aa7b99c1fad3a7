#pragma once
#include <cstdint>

#include "tensor/view.h"

namespace sonograd {

// y = x·w by the tile registers of Intel's AMX: the factors are rounded to bfloat16 as they are packed, the
// sums are f32. x [m,k] and w [k,n], each with a stride of 1; y [m,n], whose rows lie together. Uses all
// threads, or one inside of a parallel region; bits depend on the number of threads where k is long
// (tiles.cpu.cpp).
void multiply_by_tiles(const View<const float>& x, const View<const float>& w, const View<float>& y);
bool has_tiles();  // whether processor, system and ONEDNN_MAX_CPU_ISA allow it

namespace tiles {

// A register holds 16 rows of 64 bytes: of sums 16 × 16, of x 16 rows × 32 of k, of w 16 pairs of k × 16
// columns, the two of a pair side by side.
constexpr Int side = 16, depth = 32, size = side * depth;  // size of a packed tile, in numbers of 16 bits

// What a factor is made of: rows of x or columns of w, each of `length` numbers that are summed over.
struct Lines {
  const float* first;
  Int lines, length;
  Int line_stride, stride;  // one of them 1, if there are several numbers along it
};

// Rounds 16 lines from `line` on, `depth` numbers each from `at` on, and writes them as a tile; what lies
// outside is 0.
enum class Factor { x, w };
void pack(const Lines& from, Int line, Int at, Factor factor, std::uint16_t* to);

}  // namespace tiles
}  // namespace sonograd
