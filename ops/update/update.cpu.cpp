#include "ops/update/update.h"
#include "base/parallel.h"

namespace sonograd {
namespace {

SONOGRAD_CLONES void adam_run(Int n, AdamUpdate::Step<float> step, const float* g, float* m, float* v,
                              float* w) {
  for (Int i = 0; i < n; ++i) step(g[i], m[i], v[i], w[i]);
}
SONOGRAD_CLONES void sgd_run(Int n, SgdUpdate::Step<float> step, const float* g, float* u, float* w) {
  for (Int i = 0; i < n; ++i) step(g[i], u[i], w[i]);
}
SONOGRAD_CLONES void average_run(Int n, float keep, float take, const float* x, float* a) {
  for (Int i = 0; i < n; ++i) a[i] = a[i] * keep + x[i] * take;
}

template <class F>
void for_runs(Int elements, F f) {
  constexpr Int grain = 16384;
  parallel_for(elements, grain, [&](Int begin, Int end) { f(begin, end - begin); });
}

void adam(const AdamUpdate& op, const Tensors& in, Tensors& out) {
  detail::begin_in_place(in, out);
  const float* const g = in[3].data<float>();
  float *const w = out[0].mutable_data<float>(), *const m = out[1].mutable_data<float>(),
               *const v = out[2].mutable_data<float>();
  const AdamUpdate::Step<float> step = op.step<float>();
  for_runs(out[0].elements(), [&](Int i, Int n) { adam_run(n, step, g + i, m + i, v + i, w + i); });
}

void sgd(const SgdUpdate& op, const Tensors& in, Tensors& out) {
  detail::begin_in_place(in, out);
  const float* const g = in[2].data<float>();
  float *const w = out[0].mutable_data<float>(), *const u = out[1].mutable_data<float>();
  const SgdUpdate::Step<float> step = op.step<float>();
  for_runs(out[0].elements(), [&](Int i, Int n) { sgd_run(n, step, g + i, u + i, w + i); });
}

void average(const AverageUpdate& op, const Tensors& in, Tensors& out) {
  detail::begin_in_place(in, out);
  const float* const x = in[1].data<float>();
  float* const a = out[0].mutable_data<float>();
  const auto keep = static_cast<float>(op.keep), take = static_cast<float>(op.take);
  for_runs(out[0].elements(), [&](Int i, Int n) { average_run(n, keep, take, x + i, a + i); });
}

}  // namespace

void register_update_cpu(Registry& registry) {
  registry.add_cpu<AdamUpdate>(adam);
  registry.add_cpu<SgdUpdate>(sgd);
  registry.add_cpu<AverageUpdate>(average);
}

}  // namespace sonograd
