#include "ops/matmul/multiply.h"

namespace sonograd {
namespace {

// The batch as one tall matrix, its leading sizes folded into the rows; undefined where strides forbid that.
Tensor folded(const Tensor& x) {
  Int rows = 1, stride = 0;
  for (int axis = x.rank() - 2; axis >= 0; --axis) {
    if (x.size(axis) == 1) continue;
    if (rows == 1) stride = x.strides()[axis];
    if (x.strides()[axis] != stride * rows) return {};
    rows *= x.size(axis);
  }
  return x.view(0, {rows, x.size(-1)}, {stride, x.strides()[-1]});
}

}  // namespace

void fold_batch(const MatMul& op, Tensor& x, Tensor& w, Tensor& y) {
  const bool fold_rows = !op.sum_batch && !op.transpose_x && w.rank() == 2;
  const bool fold_sum = op.sum_batch && op.transpose_x && !op.transpose_w;
  if (!fold_rows && !fold_sum) return;
  const Tensor tall_x = folded(x), tall_w = fold_sum ? folded(w) : w;
  if (tall_x.defined() && tall_w.defined()) x = tall_x, w = tall_w, y = fold_sum ? y : folded(y);
}

}  // namespace sonograd
