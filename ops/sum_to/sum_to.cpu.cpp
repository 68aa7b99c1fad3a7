#include "ops/sum_to/sum_to.h"
#include "base/simd.h"
#include "ops/fold.h"
#include "ops/row_sums.h"

namespace sonograd {
namespace {

// Σ x, in 16 sums side by side
SONOGRAD_CLONES double sum_run(Int n, const float* x) {
  double sums[16] = {};
  Int i = 0;
  for (; i + 16 <= n; i += 16)
    for (Int lane = 0; lane < 16; ++lane) sums[lane] += static_cast<double>(x[i + lane]);
  double total = 0;
  for (const double s : sums) total += s;
  for (; i < n; ++i) total += static_cast<double>(x[i]);
  return total;
}

// sums[c] += Σ_r x[r,c]
SONOGRAD_CLONES void add_rows(Int rows, Int columns, const float* x, double* sums) {
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < columns; ++c) sums[c] += static_cast<double>(x[r * columns + c]);
}

void sum_to_cpu(const SumTo&, const Tensors& in, Tensors& out) {
  reduce_groups(in[0], out[0], [](const Fold& fold, const Tensor& from, Tensor& to) {
    const float* const x = from.data<float>();
    sum_rows(fold.outer, fold.reduced, fold.inner, to.mutable_data<float>(), 1,
             [&](Int n, Int begin, Int end, double* sums) {
               const float* const first = x + (n * fold.reduced + begin) * fold.inner;
               if (fold.inner == 1)
                 *sums += sum_run(end - begin, first);
               else
                 add_rows(end - begin, fold.inner, first, sums);
             });
  });
}

}  // namespace

void register_sum_to_cpu(Registry& registry) {
  registry.add_cpu<SumTo>(sum_to_cpu);
}

}  // namespace sonograd
