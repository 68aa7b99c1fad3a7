// Mistakes in graphs of attention, of which the real library would take most and read wrong numbers. The
// numbers in brackets are those of README.md.
#include <doctest/doctest.h>

#include "ops/attention/attention.h"
#include "ops/attention/attention_plan.h"
#include "ops/attention/by_cudnn.h"
#include "ops/attention/packed.h"
#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/policy.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"

using namespace sonograd;
using namespace gpu_standin;
using cudnn::AttentionPlan;
using cudnn::Descriptor;
using cudnn::FusedAttention;

namespace {

using Sizes = std::vector<int64_t>;

struct Restore {
  ~Restore() {
    gpu::policy() = {};
    machine() = {};
    cudnn_state().refusing.clear();
  }
};

// Attention as a caller may describe it, rightly as it stands: [2 pictures, 3 heads, 5 queries, 8 channels].
struct Call {
  Sizes q{2, 3, 5, 8}, k{2, 3, 7, 8}, statistics{2, 3, 5, 1};
  Sizes q_strides{5 * 24, 8, 24, 1};
  cudnnDataType_t elements = CUDNN_DATA_BFLOAT16, of_statistics = CUDNN_DATA_FLOAT;
  bool has_statistics = true;
};

Descriptor tensor(const Sizes& sizes, const Sizes& strides, cudnnDataType_t type, int64_t id) {
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor");
  made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, sizes)
      .set(CUDNN_ATTR_TENSOR_STRIDES, strides)
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{16});
  if (sizes == Sizes{1, 1, 1, 1}) made.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true);
  return std::move(made.finalize());
}

Seen described(const Call& call) {
  return seen([&] {
    const Sizes k_strides{7 * 24, 8, 24, 1};
    Descriptor operation(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR, "attention");
    operation.set(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, tensor(call.q, call.q_strides, call.elements, 1))
        .set(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, tensor(call.k, k_strides, call.elements, 2))
        .set(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, tensor(call.k, k_strides, call.elements, 3))
        .set(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, tensor(call.q, {5 * 24, 8, 24, 1}, call.elements, 4))
        .set(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC,
             tensor({1, 1, 1, 1}, {1, 1, 1, 1}, CUDNN_DATA_FLOAT, 6));
    if (call.has_statistics)
      operation.set(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC,
                    tensor(call.statistics, {15, 5, 1, 1}, call.of_statistics, 5));
    operation.finalize();
    std::vector<Descriptor> operations;
    operations.push_back(std::move(operation));
    Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "graph");
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::move(operations))
        .set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, cudnn::handle())
        .finalize();
  });
}

}  // namespace

TEST_CASE("strides, statistics and sizes of attention are those of its page, or are refused [8]") {
  CHECK(described({}).thrown.empty());
  Call columns, missing, narrow, broken;
  columns.q_strides = {5 * 24, 40, 1, 5};
  CHECK(says(described(columns), "channels do not lie innermost"));
  missing.has_statistics = false;
  CHECK(says(described(missing), "without all of its attributes"));
  narrow.of_statistics = CUDNN_DATA_BFLOAT16;
  CHECK(says(described(narrow), "statistics of attention that are not f32"));
  broken.k = {2, 3, 7, 16};
  CHECK(says(described(broken), "that do not fit together"));
}

TEST_CASE("attention has no engine in f32, for other heads, or before compute capability 8.0") {
  const Restore restore;
  const cudnn::Target device(cudnn::handle());
  const auto found = [&](FusedAttention attention) { return AttentionPlan(attention, device).found(); };
  for (const bool backward : {false, true}) {
    CHECK(found({backward, 2, 3, 5, 7, 16}));
    CHECK_FALSE(found({backward, 2, 3, 5, 7, 20}));
    CHECK(says(seen([&] { found({backward, 2, 3, 5, 7, 16, Precision::full}); }), "attention of f32"));
  }
  CHECK(found({false, 2, 3, 5, 7, 256}));
  CHECK_FALSE(found({true, 2, 3, 5, 7, 256}));
  machine().major = 7;
  CHECK_FALSE(found({false, 2, 3, 5, 7, 16}));
}

TEST_CASE("a plan of attention runs on the tensors and in the workspace that it is for [5]") {
  const FusedAttention attention{false, 2, 3, 5, 7, 8};
  const AttentionPlan plan(attention, cudnn::Target(cudnn::handle()));
  const auto filled = [](const Shape& shape) {
    return packed(Tensor::filled(shape, 0.5, DType::f32, Device::gpu), Precision::bf16);
  };
  const auto q = filled({2, 5, 24}), k = filled({2, 7, 24}), v = filled({2, 7, 24});
  const Storage y(2 * 240, true), statistics(4 * 30, true), workspace(plan.workspace(), true),
      small(plan.workspace() - 1, true);
  using Tensors = std::vector<std::pair<Int, void*>>;
  const Tensors all{{AttentionPlan::q, q->data()},
                    {AttentionPlan::k, k->data()},
                    {AttentionPlan::v, v->data()},
                    {AttentionPlan::y, y.data()},
                    {AttentionPlan::statistics, statistics.data()}};
  const auto run = [&](const Tensors& tensors, void* scratch) {
    return seen([&] { expect(plan.run(cudnn::handle(), tensors, scratch), "the engine refuses"); });
  };
  const auto with = [&](std::size_t which, void* address) {
    Tensors tensors = all;
    tensors[which].second = address;
    return tensors;
  };
  CHECK(run(all, workspace.data()).thrown.empty());
  CHECK(says(run(all, small.data()), "the workspace of a plan"));
  CHECK(says(run(Tensors(all.begin(), all.end() - 1), workspace.data()),
             "tensor 5 of attention has no address"));
  CHECK(says(run(with(0, static_cast<char*>(q->data()) + 8), workspace.data()), "out of alignment"));
  CHECK(says(run(with(1, q->data()), workspace.data()), "a tensor of attention"));
  alignas(16) float host = 0;
  CHECK(says(run(with(3, &host), workspace.data()), "a tensor of attention"));
}

TEST_CASE("attention is cuDNN's where it is asked for, in 16 bits, and plans are made once") {
  const Restore restore;
  const Tensor x = Tensor::filled({2, 5, 24}, 0.5, DType::f32, Device::gpu);
  const auto engines = [&](Precision precision) {
    cudnn_state().ran.clear();
    const Tensors in{x, x, x, x};
    attention(x, x, x, 3, precision);
    apply_all(AttentionGrad{3, precision}, in)[0].values();
    return cudnn_state().ran;
  };
  CHECK(engines(Precision::bf16).empty());
  gpu::policy().cudnn_attention = true;
  CHECK(engines(Precision::full).empty());
  CHECK(engines(Precision::f16).size() == 3);
  CHECK(engines(Precision::bf16) == std::vector<int>{20, 20, 20});  // forward, and again in backward
  const std::size_t made = cudnn_state().plans;
  engines(Precision::bf16);
  CHECK(cudnn_state().plans == made);
}

TEST_CASE("an engine of attention that refuses leaves none, and that is an error") {
  const Restore restore;
  gpu::policy().cudnn_attention = true;
  cudnn_state().refusing = {{20, 3000}};
  const Tensor x = Tensor::filled({2, 4, 24}, 0.5, DType::f32, Device::gpu);
  CHECK(
      says(seen([&] { attention(x, x, x, 3, Precision::bf16); }), "has no engine on this GPU for attention"));
}
