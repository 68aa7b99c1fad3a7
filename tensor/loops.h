#pragma once
#include <algorithm>
#include <array>

#include "tensor/divisor.h"

namespace sonograd {

// The nest of loops over K strided operands of one shape: axes of size 1 are dropped and neighbouring axes
// that all operands walk through evenly are merged, so that dense operands leave one long loop.
template <std::size_t K>
class Loops {
 public:
  using Offsets = std::array<Int, K>;

  Loops(const Shape& shape, const std::array<Strides, K>& strides) : elements_(shape.elements()) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 1) continue;
      Offsets step{};
      for (std::size_t k = 0; k < K; ++k) step[k] = strides[k][axis];
      if (rank > 0 && continues(step, shape[axis])) {
        sizes[rank - 1] *= shape[axis];
        steps[rank - 1] = step;
      } else {
        sizes[rank] = shape[axis];
        steps[rank++] = step;
      }
    }
    if (rank == 0) {
      sizes[rank] = 1;
      steps[rank++].fill(1);
    }
    for (std::size_t axis = 0; axis < rank; ++axis) divisors[axis] = Divisor(sizes[axis]);
  }

  SONOGRAD_INLINE Int elements() const { return elements_; }
  Int width() const { return sizes[rank - 1]; }                 // of the innermost loop
  Int step(std::size_t k) const { return steps[rank - 1][k]; }  // of operand k there

  // Where the operands hold the element with this row-major number.
  SONOGRAD_INLINE Offsets at(Int number) const {
    Offsets offsets{};
    for (std::size_t axis = Shape::max_rank - 1; axis > 0; --axis) {  // unrolled by nvcc, kept in registers
      if (axis >= rank) continue;
      const Place place = divisors[axis](number);
      number = place.row;
      for (std::size_t k = 0; k < K; ++k) offsets[k] += place.column * steps[axis][k];
    }
    for (std::size_t k = 0; k < K; ++k) offsets[k] += number * steps[0][k];
    return offsets;
  }

  // Calls f(offsets, n) for runs of n elements along the innermost loop that make up the elements
  // begin … end-1 in row-major order.
  template <class F>
  void runs(Int begin, Int end, F&& f) const {
    if (begin >= end) return;
    Int column = begin % width();
    Offsets offsets = at(begin - column);
    std::array<Int, Shape::max_rank> index{};
    Int row = begin / width();
    for (std::size_t axis = rank - 1; axis-- > 0; row /= sizes[axis]) index[axis] = row % sizes[axis];
    while (true) {
      const Int n = std::min(width() - column, end - begin);
      Offsets first = offsets;
      for (std::size_t k = 0; k < K; ++k) first[k] += column * step(k);
      f(first, n);
      begin += n;
      if (begin >= end) return;
      column = 0;
      for (std::size_t axis = rank - 1; axis-- > 0;) {
        const Int steps_taken = ++index[axis] < sizes[axis] ? 1 : 1 - sizes[axis];
        for (std::size_t k = 0; k < K; ++k) offsets[k] += steps_taken * steps[axis][k];
        if (steps_taken == 1) break;
        index[axis] = 0;
      }
    }
  }

 private:
  // Whether a step along the last axis so far equals `size` steps of the new one, for every operand.
  bool continues(const Offsets& step, Int size) const {
    for (std::size_t k = 0; k < K; ++k)
      if (steps[rank - 1][k] != step[k] * size) return false;
    return true;
  }

  Int elements_;
  std::size_t rank = 0;
  std::array<Int, Shape::max_rank> sizes{};
  std::array<Divisor, Shape::max_rank> divisors{};
  std::array<Offsets, Shape::max_rank> steps{};
};

}  // namespace sonograd
