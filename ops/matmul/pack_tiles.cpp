#include <algorithm>

#include "ops/matmul/tiles.h"
#include "ops/matmul/tiles_isa.h"

namespace sonograd::tiles {
namespace {

// Sixteen registers of sixteen words of 32 bits: rows become columns.
SONOGRAD_TILES void transpose(__m512i* r) {
  __m512i pairs[side], fours[side];  // fours[4g+j]: of rows 4g … 4g+3 the columns j, j+4, j+8, j+12
  for (Int i = 0; i < side; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (Int g = 0; g < side; g += 4)
    for (Int j = 0; j < 4; j += 2) {
      fours[g + j] = _mm512_unpacklo_epi64(pairs[g + j / 2], pairs[g + j / 2 + 2]);
      fours[g + j + 1] = _mm512_unpackhi_epi64(pairs[g + j / 2], pairs[g + j / 2 + 2]);
    }
  for (Int j = 0; j < 4; ++j) {
    const __m512i even = _mm512_shuffle_i32x4(fours[j], fours[4 + j], 0x88),
                  odd = _mm512_shuffle_i32x4(fours[j], fours[4 + j], 0xdd),
                  next_even = _mm512_shuffle_i32x4(fours[8 + j], fours[12 + j], 0x88),
                  next_odd = _mm512_shuffle_i32x4(fours[8 + j], fours[12 + j], 0xdd);
    r[j] = _mm512_shuffle_i32x4(even, next_even, 0x88);
    r[4 + j] = _mm512_shuffle_i32x4(odd, next_odd, 0x88);
    r[8 + j] = _mm512_shuffle_i32x4(even, next_even, 0xdd);
    r[12 + j] = _mm512_shuffle_i32x4(odd, next_odd, 0xdd);
  }
}

__mmask16 first_of_sixteen(Int count) {
  return static_cast<__mmask16>((1U << std::clamp<Int>(count, 0, 16)) - 1);
}

// Register i holds line i: its 32 numbers in order.
SONOGRAD_TILES void read_along_lines(const Lines& from, const float* first, Int lines, Int length,
                                     __m512i* r) {
  const __mmask16 low = first_of_sixteen(length), high = first_of_sixteen(length - 16);
  for (Int i = 0; i < side; ++i, first += from.line_stride) {
    const bool there = i < lines;
    const __m512 a = _mm512_maskz_loadu_ps(there ? low : 0, first),
                 b = _mm512_maskz_loadu_ps(there ? high : 0, first + 16);
    for (const Int ahead : {2 * depth, 2 * depth + side}) __builtin_prefetch(first + ahead);
    r[i] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
  }
}

// Register i holds the numbers 2i and 2i+1 of each of 16 lines, the two side by side.
SONOGRAD_TILES void read_across_lines(const Lines& from, const float* first, Int lines, Int length,
                                      __m512i* r) {
  const __mmask16 there = first_of_sixteen(lines);
  const __m512i side_by_side = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                                23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (Int i = 0; i < side; ++i, first += 2 * from.stride) {
    const __m512 a = _mm512_maskz_loadu_ps(2 * i < length ? there : 0, first),
                 b = _mm512_maskz_loadu_ps(2 * i + 1 < length ? there : 0, first + from.stride);
    r[i] = _mm512_permutexvar_epi16(side_by_side, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a)));
  }
}

}  // namespace

SONOGRAD_TILES void pack(const Lines& from, Int line, Int at, Factor factor, std::uint16_t* to) {
  const float* const first = from.first + line * from.line_stride + at * from.stride;
  const Int lines = from.lines - line, length = from.length - at;
  const bool along = from.stride == 1 || from.length == 1;
  __m512i r[side];
  (along ? read_along_lines : read_across_lines)(from, first, lines, length, r);
  if (along != (factor == Factor::x)) transpose(r);
  for (Int i = 0; i < side; ++i) _mm512_store_si512(to + i * depth, r[i]);
}

}  // namespace sonograd::tiles
