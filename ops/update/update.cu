#include "ops/update/update.h"
#include "tensor/gpu_numbers.h"
#include "tensor/launch.h"

namespace sonograd {
namespace {

// Of an update that a graph may repeat the rate is `live`, as is whether it may change anything: its outputs
// are its first inputs. A thread reads all that it needs of an element before it writes: outputs may be the
// inputs.
void adam(const AdamUpdate& op, const Tensors& in, Tensors& out) {
  const float *const w = in[0].gpu_data<float>(), *const m = in[1].gpu_data<float>(),
                     *const v = in[2].gpu_data<float>(), *const g = in[3].gpu_data<float>();
  float *const new_w = out[0].mutable_gpu_data<float>(), *const new_m = out[1].mutable_gpu_data<float>(),
               *const new_v = out[2].mutable_gpu_data<float>();
  const auto given = op.step<float>();
  const gpu::StepNumbers* const live = gpu::live_rate(given.rate);
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    if (live && !live->finite) return;
    auto step = given;
    if (live) step.rate = live->rate;
    float first = m[i], second = v[i], value = w[i];
    step(g[i], first, second, value);
    new_m[i] = first;
    new_v[i] = second;
    new_w[i] = value;
  });
}

void sgd(const SgdUpdate& op, const Tensors& in, Tensors& out) {
  const float *const w = in[0].gpu_data<float>(), *const u = in[1].gpu_data<float>(),
                     *const g = in[2].gpu_data<float>();
  float *const new_w = out[0].mutable_gpu_data<float>(), *const new_u = out[1].mutable_gpu_data<float>();
  const auto given = op.step<float>();
  const gpu::StepNumbers* const live = gpu::live_rate(given.rate);
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    if (live && !live->finite) return;
    auto step = given;
    if (live) step.rate = live->rate;
    float velocity = u[i], value = w[i];
    step(g[i], velocity, value);
    new_u[i] = velocity;
    new_w[i] = value;
  });
}

void average(const AverageUpdate& op, const Tensors& in, Tensors& out) {
  const float *const a = in[0].gpu_data<float>(), *const x = in[1].gpu_data<float>();
  float* const new_a = out[0].mutable_gpu_data<float>();
  const auto keep = static_cast<float>(op.keep), take = static_cast<float>(op.take);
  const gpu::StepNumbers* const live = gpu::live_numbers();
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    if (!live || live->finite) new_a[i] = a[i] * keep + x[i] * take;
  });
}

}  // namespace

void register_update_gpu(Registry& registry) {
  registry.add_gpu<AdamUpdate>(adam);
  registry.add_gpu<SgdUpdate>(sgd);
  registry.add_gpu<AverageUpdate>(average);
}

}  // namespace sonograd
