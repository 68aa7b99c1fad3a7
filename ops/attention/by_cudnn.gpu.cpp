#include "ops/attention/by_cudnn.h"

#include "ops/attention/attention_plan.h"
#include "ops/attention/packed.h"
#include "tensor/gpu/cudnn_plan_cache.h"
#include "tensor/gpu/policy.h"

namespace sonograd::attention_by_cudnn {
namespace {

using cudnn::AttentionPlan;
using cudnn::FusedAttention;

void run(const FusedAttention& attention, const std::vector<std::pair<Int, void*>>& tensors) {
  static auto& plans = *new cudnn::Plans<AttentionPlan>(128);
  const bool ran = plans.run(
      attention.key(), [&](const cudnn::Target& device) { return AttentionPlan(attention, device); },
      [&](const AttentionPlan& plan, void* workspace) {
        return plan.run(cudnn::handle(), tensors, workspace);
      });
  expect(ran, "cuDNN {} has no engine on this GPU for {}; leave out --attention cudnn",
         cudnn::functions().version(), attention.text());
}

FusedAttention described(const Tensors& in, Int heads, Precision precision) {
  return {.backward = false,
          .batch = in[0].size(0),
          .heads = heads,
          .queries = in[0].size(1),
          .tokens = in[1].size(1),
          .size = in[0].size(2) / heads,
          .precision = precision,
          .deterministic = gpu::policy().deterministic};
}

// q, k and v in 16 bits, y and the statistics, which run() writes.
struct Forward {
  Forward(const Tensors& in, const FusedAttention& attention)
      : q(packed(in[0], attention.precision)),
        k(packed(in[1], attention.precision)),
        v(packed(in[2], attention.precision)),
        y(2 * in[0].elements(), true),
        statistics(
            Tensor::empty({attention.batch, attention.heads, attention.queries}, DType::f32, Device::gpu)) {
    attention_by_cudnn::run(attention, tensors());
  }
  std::vector<std::pair<Int, void*>> tensors() {
    return {{AttentionPlan::q, q->data()},
            {AttentionPlan::k, k->data()},
            {AttentionPlan::v, v->data()},
            {AttentionPlan::y, y.data()},
            {AttentionPlan::statistics, statistics.mutable_gpu_data<float>()}};
  }

  std::unique_ptr<Storage> q, k, v;
  Storage y;
  Tensor statistics;
};

}  // namespace

bool takes(Precision precision, const Tensor& q) {
  return precision != Precision::full && gpu::policy().cudnn_attention && q.elements() > 0;
}

void attend(const Attention& op, const Tensors& in, Tensor& y) {
  const Forward forward(in, described(in, op.heads, op.precision));
  unpack(forward.y, op.precision, y);
}

void gradients(const AttentionGrad& op, const Tensors& in, Tensors& out) {
  FusedAttention attention = described(in, op.heads, op.precision);
  Forward forward(in, attention);
  attention.backward = true;
  const auto dy = packed(in[3], op.precision);
  const Storage dq(2 * in[0].elements(), true), dk(2 * in[1].elements(), true),
      dv(2 * in[2].elements(), true), along(forward.statistics.elements() * 4, true),
      sums(attention.deterministic ? 0 : 4 * in[0].elements(), true);
  auto tensors = forward.tensors();
  tensors.insert(tensors.end(), {{AttentionPlan::dy, dy->data()},
                                 {AttentionPlan::dq, dq.data()},
                                 {AttentionPlan::dk, dk.data()},
                                 {AttentionPlan::dv, dv.data()},
                                 {AttentionPlan::along, along.data()}});
  if (!attention.deterministic) tensors.emplace_back(AttentionPlan::sums, sums.data());
  run(attention, tensors);
  unpack(dq, op.precision, out[0]);
  unpack(dk, op.precision, out[1]);
  unpack(dv, op.precision, out[2]);
}

}  // namespace sonograd::attention_by_cudnn
