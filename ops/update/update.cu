#include "ops/update/update.h"
#include "tensor/gpu_numbers.h"
#include "tensor/launch_many.h"

namespace sonograd {
namespace {

constexpr Int elements_of_a_piece = 2048;

// What is updated of one tensor, in place: at(i) changes element i.
struct AdamEach {
  AdamUpdate::Step<float> step;
  float *w, *m, *v;
  const float* g;
  Int elements;
  SONOGRAD_INLINE void take_rate(float rate) { step.rate = rate; }
  SONOGRAD_INLINE void at(Int i) const {
    float first = m[i], second = v[i], value = w[i];
    step(g[i], first, second, value);
    m[i] = first, v[i] = second, w[i] = value;
  }
};
struct SgdEach {
  SgdUpdate::Step<float> step;
  float *w, *u;
  const float* g;
  Int elements;
  SONOGRAD_INLINE void take_rate(float rate) { step.rate = rate; }
  SONOGRAD_INLINE void at(Int i) const {
    float velocity = u[i], value = w[i];
    step(g[i], velocity, value);
    u[i] = velocity, w[i] = value;
  }
};
struct AverageEach {
  float keep, take;
  float* a;
  const float* x;
  Int elements;
  SONOGRAD_INLINE void take_rate(float) {}
  SONOGRAD_INLINE void at(Int i) const { a[i] = a[i] * keep + x[i] * take; }
};

// Of an update that a graph may repeat the rate is `live`, as is whether it may change anything.
template <class Each>
void update_each(const std::vector<Each>& list, const gpu::StepNumbers* live) {
  gpu::Many<Each> many;
  for (const Each& one : list) {
    many.add(one, (one.elements + elements_of_a_piece - 1) / elements_of_a_piece);
    if (!many.full() && &one != &list.back()) continue;
    gpu::for_each_piece(many, [=] __device__(const Each& given, Int begin, Int end, int) {
      if (live && !live->finite) return;
      Each each = given;
      if (live) each.take_rate(live->rate);
      for (Int i = begin + threadIdx.x; i < end; i += gpu::block_threads) each.at(i);
    });
    many = {};
  }
}

void adam(std::vector<KernelCall>& calls) {
  std::vector<AdamEach> list;
  const gpu::StepNumbers* live = nullptr;
  for (auto& [attributes, in, out] : calls) {
    detail::begin_in_place(in, out);
    const auto step = static_cast<const AdamUpdate*>(attributes)->step<float>();
    live = gpu::live_rate(step.rate);
    list.push_back({step, out[0].mutable_gpu_data<float>(), out[1].mutable_gpu_data<float>(),
                    out[2].mutable_gpu_data<float>(), in[3].gpu_data<float>(), out[0].elements()});
  }
  update_each(list, live);
}

void sgd(std::vector<KernelCall>& calls) {
  std::vector<SgdEach> list;
  const gpu::StepNumbers* live = nullptr;
  for (auto& [attributes, in, out] : calls) {
    detail::begin_in_place(in, out);
    const auto step = static_cast<const SgdUpdate*>(attributes)->step<float>();
    live = gpu::live_rate(step.rate);
    list.push_back({step, out[0].mutable_gpu_data<float>(), out[1].mutable_gpu_data<float>(),
                    in[2].gpu_data<float>(), out[0].elements()});
  }
  update_each(list, live);
}

void average(std::vector<KernelCall>& calls) {
  std::vector<AverageEach> list;
  for (auto& [attributes, in, out] : calls) {
    detail::begin_in_place(in, out);
    const auto& op = *static_cast<const AverageUpdate*>(attributes);
    list.push_back({static_cast<float>(op.keep), static_cast<float>(op.take),
                    out[0].mutable_gpu_data<float>(), in[1].gpu_data<float>(), out[0].elements()});
  }
  update_each(list, gpu::live_numbers());
}

}  // namespace

void register_update_gpu(Registry& registry) {
  registry.add_gpu_many<AdamUpdate>(adam);
  registry.add_gpu_many<SgdUpdate>(sgd);
  registry.add_gpu_many<AverageUpdate>(average);
}

}  // namespace sonograd
