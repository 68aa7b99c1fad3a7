#pragma once
#include "tensor/tensor.h"

namespace sonograd {

// The last group of neighbouring axes that a reduction from x to `target` sums over: x as
// [outer, reduced, inner], and x's shape after the group is reduced to size 1.
struct Fold {
  Int outer = 1, reduced = 1, inner = 1;
  Shape after;
};

inline Fold last_fold(const Shape& x, const Shape& target) {
  const auto is_reduced = [&](int axis) {
    const int back = x.rank() - axis;
    return x[axis] != 1 && (back > target.rank() || target[-back] == 1);
  };
  Fold fold;
  fold.after = x;
  int axis = x.rank() - 1;
  for (; axis >= 0 && !is_reduced(axis); --axis) fold.inner *= x[axis];
  for (; axis >= 0 && (is_reduced(axis) || x[axis] == 1); --axis) {
    fold.reduced *= x[axis];
    fold.after[axis] = 1;
  }
  for (; axis >= 0; --axis) fold.outer *= x[axis];
  return fold;
}

// Reduces x to out's shape group by group; step(fold, from, to) reduces one.
template <class F>
void reduce_groups(const Tensor& x, Tensor& out, F&& step) {
  Tensor from = x;
  while (true) {
    const Fold fold = last_fold(from.shape(), out.shape());
    if (fold.after.elements() == out.elements()) return step(fold, from, out);
    Tensor to = Tensor::empty(fold.after, from.dtype(), from.device());
    step(fold, from, to);
    from = to;
  }
}

}  // namespace sonograd
