#include <atomic>

#include "base/parallel.h"
#include "ops/matmul/multiply.h"
#include "ops/matmul/tiles.h"
#include "tensor/onednn.h"

namespace sonograd {
namespace {

// The tensor itself where the library can read its matrices in place, else a dense copy.
Tensor readable(const Tensor& x) {
  const Shape matrix{x.size(-2), x.size(-1)};
  const Strides strides{x.strides()[-2], x.strides()[-1]};
  return onednn::is_gemm_matrix(matrix, strides) ? x : x.copy();
}

Shape batch_index(Int number, const Shape& batch) {
  Shape index = batch;
  for (int axis = batch.rank() - 1; axis >= 0; number /= batch[axis--]) index[axis] = number % batch[axis];
  return index;
}

// What the library's product of bfloat16 matrices reads: a copy, rows and columns in memory as they were.
struct Rounded {
  std::unique_ptr<Storage> values;
  dnnl::memory memory;
};
Rounded in_bfloat16(const Tensor& matrix, bool transposed) {
  const bool across = matrix.strides()[1] != 1;  // columns lie together
  const Tensor lying = matrix.view(0, {matrix.size(across), matrix.size(!across)},
                                   {matrix.strides()[across], matrix.strides()[!across]});
  const Int rows = matrix.size(transposed), columns = matrix.size(!transposed);
  const dnnl::memory::dims along_rows{columns, 1}, along_columns{1, rows};
  auto values = as_bfloat16(lying.as_dense());
  const dnnl::memory::desc layout({rows, columns}, dnnl::memory::data_type::bf16,
                                  across != transposed ? along_columns : along_rows);
  const auto memory = onednn::bind(layout, values->data());
  return {std::move(values), memory};
}

void multiply_rounded(const MatMul& op, const Tensor& x, const Tensor& w, Tensor& y) {
  if (x.elements() == 0 || w.elements() == 0) return y.fill(0);
  if (has_tiles())
    return multiply_by_tiles(MatMul::matrix(read_view<float>(x), {}, op.transpose_x),
                             MatMul::matrix(read_view<float>(w), {}, op.transpose_w), write_view<float>(y));
  const Rounded a = in_bfloat16(x, op.transpose_x), b = in_bfloat16(w, op.transpose_w);
  const dnnl::memory::desc layout({y.size(0), y.size(1)}, dnnl::memory::data_type::f32,
                                  dnnl::memory::format_tag::ab);
  struct Product {
    dnnl::matmul primitive;
    dnnl::memory::desc scratch;
  };
  static onednn::Cache<Product> products(512);
  const bool x_across = x.strides()[1] != 1, w_across = w.strides()[1] != 1;
  const auto product =
      products.get({y.size(0), y.size(1), x.size(!op.transpose_x), op.transpose_x != x_across,
                    op.transpose_w != w_across, threads()},
                   [&] {
                     const auto description =
                         onednn::describe<dnnl::matmul>(a.memory.get_desc(), b.memory.get_desc(), layout);
                     return Product{dnnl::matmul(description), description.scratchpad_desc()};
                   });
  onednn::run(product->primitive, product->scratch,
              {{DNNL_ARG_SRC, a.memory},
               {DNNL_ARG_WEIGHTS, b.memory},
               {DNNL_ARG_DST, onednn::bind(layout, y.mutable_data<float>())}});
}

}  // namespace

void multiply(const MatMul& op, const Tensor& given_x, const Tensor& given_w, Tensor& given_y) {
  Tensor x = readable(given_x), w = readable(given_w), y = given_y;
  fold_batch(op, x, w, y);
  if (op.precision != Precision::full) {
    if (op.precision == Precision::bf16 && x.rank() == 2 && w.rank() == 2 && has_bfloat16_products())
      return multiply_rounded(op, x, w, y);
    return multiply({op.transpose_x, op.transpose_w, op.sum_batch}, rounded(x, op.precision),
                    rounded(w, op.precision), y);
  }
  const Shape batch = MatMul::batch(x.rank() > 2 ? x.shape() : w.shape());
  const Int count = batch.elements();
  if (count == 0) y.fill(0);
  const View<const float> xs = read_view<float>(x), ws = read_view<float>(w);
  const View<float> ys = write_view<float>(y);
  std::atomic<bool> done = true;
  const auto products = [&](Int begin, Int end) {
    for (Int number = begin; number < end; ++number) {
      const Shape b = batch_index(number, batch);
      const bool ok =
          onednn::gemm(MatMul::matrix(xs, b, op.transpose_x), MatMul::matrix(ws, b, op.transpose_w),
                       MatMul::matrix(ys, b, false), op.sum_batch && number > 0 ? 1.0f : 0.0f);
      if (!ok) done = false;
    }
  };
  if (op.sum_batch || count < threads())
    products(0, count);  // one after the other, each by all threads
  else
    parallel_for(count, 1, products);
  expect(done, "matmul: no memory left for the library's packed copies");
}

void register_matmul_cpu(Registry& registry) {
  const auto kernel = [](const MatMul& op, const Tensors& in, Tensors& out) {
    multiply(op, in[0], in[1], out[0]);
  };
  registry.add_cpu<MatMul>(kernel, Layout::strided);
}

}  // namespace sonograd
