#include "ops/reduce/reduce.h"
#include <vector>

#include "base/parallel.h"
#include "base/simd.h"
#include "ops/fold.h"

namespace sonograd {
namespace {

// y[c] = max over r of x[r,c]
SONOGRAD_CLONES void largest_rows(Int rows, Int columns, const float* x, float* y) {
  for (Int c = 0; c < columns; ++c) y[c] = x[c];
  for (Int r = 1; r < rows; ++r)
    for (Int c = 0; c < columns; ++c) y[c] = larger(y[c], x[r * columns + c]);
}

void reduce_max_cpu(const ReduceMax&, const Tensors& in, Tensors& out) {
  reduce_groups(in[0], out[0], [](const Fold& fold, const Tensor& from, Tensor& to) {
    const float* const x = from.data<float>();
    float* const y = to.mutable_data<float>();
    const Int image = fold.reduced * fold.inner;
    parallel_for(fold.outer, 16384 / std::max<Int>(1, image), [&](Int begin, Int end) {
      for (Int n = begin; n < end; ++n)
        largest_rows(fold.reduced, fold.inner, x + n * image, y + n * fold.inner);
    });
  });
}

// dx = dy at the first maximum of each column of x, else 0
void first_largest(Int rows, Int columns, const float* x, const float* dy, float* dx) {
  std::vector<Int> best(static_cast<std::size_t>(columns), 0);
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < columns; ++c) {
      Int& row = best[static_cast<std::size_t>(c)];
      if (x[r * columns + c] > x[row * columns + c]) row = r;
      dx[r * columns + c] = 0;
    }
  for (Int c = 0; c < columns; ++c) dx[best[static_cast<std::size_t>(c)] * columns + c] = dy[c];
}

void reduce_max_grad_cpu(const ReduceMaxGrad& op, const Tensors& in, Tensors& out) {
  const Fold fold = last_fold(in[0].shape(), in[1].shape());
  if (fold.after != in[1].shape()) {  // several groups of axes: rare
    op.reference(read_view<float>(in[0]), read_view<float>(in[1]), write_view<float>(out[0]));
    return;
  }
  const float *const x = in[0].data<float>(), *const dy = in[1].data<float>();
  float* const dx = out[0].mutable_data<float>();
  const Int image = fold.reduced * fold.inner;
  parallel_for(fold.outer, 16384 / std::max<Int>(1, image), [&](Int begin, Int end) {
    for (Int n = begin; n < end; ++n)
      first_largest(fold.reduced, fold.inner, x + n * image, dy + n * fold.inner, dx + n * image);
  });
}

}  // namespace

void register_reduce_cpu(Registry& registry) {
  registry.add_cpu<ReduceMax>(reduce_max_cpu);
  registry.add_cpu<ReduceMaxGrad>(reduce_max_grad_cpu);
}

}  // namespace sonograd
