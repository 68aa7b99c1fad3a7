#include "ops/update/update.h"
#include "tensor/gpu/launch_many.h"
#include "tensor/gpu/numbers.h"

namespace sonograd {
namespace {

constexpr Int elements_of_a_piece = 4096;

// What is updated of one tensor, in place, by a call of its Op: write(i, read(i)) changes element i.
struct AdamEach {
  using Op = AdamUpdate;
  AdamUpdate::Step<float> step;
  float *w, *m, *v;
  const float* g;
  Int elements;
  static AdamEach of(const Op& op, const Tensors& in, Tensors& out) {
    return {op.step<float>(),
            out[0].mutable_gpu_data<float>(),
            out[1].mutable_gpu_data<float>(),
            out[2].mutable_gpu_data<float>(),
            in[3].gpu_data<float>(),
            out[0].elements()};
  }
  const gpu::StepNumbers* live() const { return gpu::live_rate(step.rate); }
  SONOGRAD_INLINE void take_rate(float rate) { step.rate = rate; }
  struct Element {
    float w, m, v, g;
  };
  SONOGRAD_INLINE Element read(Int i) const { return {w[i], m[i], v[i], g[i]}; }
  SONOGRAD_INLINE void write(Int i, Element e) const {
    step(e.g, e.m, e.v, e.w);
    m[i] = e.m, v[i] = e.v, w[i] = e.w;
  }
};
struct SgdEach {
  using Op = SgdUpdate;
  SgdUpdate::Step<float> step;
  float *w, *u;
  const float* g;
  Int elements;
  static SgdEach of(const Op& op, const Tensors& in, Tensors& out) {
    return {op.step<float>(), out[0].mutable_gpu_data<float>(), out[1].mutable_gpu_data<float>(),
            in[2].gpu_data<float>(), out[0].elements()};
  }
  const gpu::StepNumbers* live() const { return gpu::live_rate(step.rate); }
  SONOGRAD_INLINE void take_rate(float rate) { step.rate = rate; }
  struct Element {
    float w, u, g;
  };
  SONOGRAD_INLINE Element read(Int i) const { return {w[i], u[i], g[i]}; }
  SONOGRAD_INLINE void write(Int i, Element e) const {
    step(e.g, e.u, e.w);
    u[i] = e.u, w[i] = e.w;
  }
};
struct AverageEach {
  using Op = AverageUpdate;
  float keep, take;
  float* a;
  const float* x;
  Int elements;
  static AverageEach of(const Op& op, const Tensors& in, Tensors& out) {
    return {static_cast<float>(op.keep), static_cast<float>(op.take), out[0].mutable_gpu_data<float>(),
            in[1].gpu_data<float>(), out[0].elements()};
  }
  static const gpu::StepNumbers* live() { return gpu::live_numbers(); }
  SONOGRAD_INLINE void take_rate(float) {}
  struct Element {
    float a, x;
  };
  SONOGRAD_INLINE Element read(Int i) const { return {a[i], x[i]}; }
  SONOGRAD_INLINE void write(Int i, Element e) const { a[i] = e.a * keep + e.x * take; }
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
      gpu::read_ahead(
          begin + threadIdx.x, gpu::block_threads, end, [&](Int i) { return each.read(i); },
          [&](Int i, const typename Each::Element& e) { each.write(i, e); });
    });
    many = {};
  }
}

template <class Each>
void update(std::vector<KernelCall>& calls) {
  std::vector<Each> list;
  const gpu::StepNumbers* live = nullptr;
  for (auto& [attributes, in, out] : calls) {
    detail::begin_in_place(in, out);
    list.push_back(Each::of(*static_cast<const typename Each::Op*>(attributes), in, out));
    live = list.back().live();  // of each: its rate must be the update's
  }
  update_each(list, live);
}

}  // namespace

void register_update_gpu(Registry& registry) {
  registry.add_gpu_many<AdamUpdate>(update<AdamEach>);
  registry.add_gpu_many<SgdUpdate>(update<SgdEach>);
  registry.add_gpu_many<AverageUpdate>(update<AverageEach>);
}

}  // namespace sonograd
