#include "ops/matmul/multiply.h"
#include "tensor/gpu/cublas.h"
#include "tensor/loops.h"

namespace sonograd {
namespace {

// How the library reads the matrices of x in place: of which one stride is 1, and no two rows overlap.
bool readable(const Tensor& x, cublas::Factor& factor) {
  const Int rows = x.size(-2), columns = x.size(-1), down = x.strides()[-2], along = x.strides()[-1];
  const bool as_rows = along == 1 || columns == 1, as_columns = down == 1 || rows == 1;
  if (as_rows && (rows == 1 || down >= columns))
    factor = {x.gpu_data<float>(), std::max(down, columns), false, 0};
  else if (as_columns && (columns == 1 || along >= rows))
    factor = {x.gpu_data<float>(), std::max(along, rows), true, 0};
  else
    return false;
  return true;
}

// x itself or, where the library cannot read it, a dense copy in its place.
cublas::Factor factor_of(Tensor& x, bool transposed) {
  cublas::Factor factor{};
  if (!readable(x, factor)) {
    x = x.copy();
    readable(x, factor);
  }
  factor.transposed = factor.transposed != transposed;
  return factor;
}

// Of the leading sizes; 0 for what all matrices of the batch share.
Strides batch_strides(const Tensor& x, int rank) {
  Strides strides = Strides::filled(rank, 0);
  for (int axis = 0; axis < x.rank() - 2; ++axis) strides[axis] = x.strides()[axis];
  return strides;
}

// Matrices that do not lie equally far apart, such as a batch's heads, take a call for each run of them:
// where these are many, a dense copy costs less.
void spread_equally(Tensor& x, const Shape& batch) {
  constexpr Int many = 8;
  if (Loops<1>(batch, {batch_strides(x, batch.rank())}).width() * many <= batch.elements()) x = x.copy();
}

}  // namespace

void multiply_on_gpu(const MatMul& op, const Tensor& given_x, const Tensor& given_w, Tensor& given_y) {
  Tensor x = rounded(given_x, op.precision), w = rounded(given_w, op.precision), y = given_y;
  fold_batch(op, x, w, y);
  const Shape batch = MatMul::batch(x.rank() > 2 ? x.shape() : w.shape());
  const Int m = y.size(-2), n = y.size(-1), k = x.size(op.transpose_x ? -2 : -1);
  if (y.elements() == 0) return;
  if (k == 0 || batch.elements() == 0) return y.fill(0);
  if (!op.sum_batch) {
    spread_equally(x, batch);
    spread_equally(w, batch);
  }
  const cublas::Factor all_x = factor_of(x, op.transpose_x), all_w = factor_of(w, op.transpose_w);
  float* const to = y.mutable_gpu_data<float>();
  // Runs of matrices that lie equally far apart are one call; products that are summed, one call each.
  const Loops<3> loops(batch, {batch_strides(x, batch.rank()), batch_strides(w, batch.rank()),
                               batch_strides(y, batch.rank())});
  const Int run = op.sum_batch ? 1 : loops.width();
  for (Int first = 0; first < loops.elements(); first += run) {
    const auto at = loops.at(first);
    cublas::Factor x_b = all_x, w_b = all_w;
    x_b.first += at[0], x_b.apart = loops.step(0);
    w_b.first += at[1], w_b.apart = loops.step(1);
    cublas::multiply(m, n, k, x_b, w_b, {to + at[2], n, loops.step(2)}, run,
                     op.sum_batch && first > 0 ? 1.0F : 0.0F, op.precision);
  }
}

void register_matmul_gpu(Registry& registry) {
  const auto kernel = [](const MatMul& op, const Tensors& in, Tensors& out) {
    multiply_on_gpu(op, in[0], in[1], out[0]);
  };
  registry.add_gpu<MatMul>(kernel, Layout::strided);
}

}  // namespace sonograd
