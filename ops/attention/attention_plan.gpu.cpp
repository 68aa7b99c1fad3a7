#include "ops/attention/attention_plan.h"

#include <cmath>
#include <limits>

#include "tensor/gpu/cudnn.h"

namespace sonograd::cudnn {
namespace {

using Sizes = std::vector<int64_t>;
using Part = AttentionPlan::Part;

// In the library's order: batch, head, row, column.
struct Layout {
  Sizes sizes, strides;
};
Layout transposed(Layout x) {
  std::swap(x.sizes[2], x.sizes[3]);
  std::swap(x.strides[2], x.strides[3]);
  return x;
}

// A graph under construction. Tensors that only its own operations see are virtual: they have no address.
class Builder {
 public:
  explicit Builder(const FusedAttention& a)
      : heads(heads_of(a, a.queries)),
        memory(heads_of(a, a.tokens)),
        row{{a.batch, a.heads, a.queries, 1}, {a.heads * a.queries, a.queries, 1, 1}},
        p{{a.batch, a.heads, a.queries, a.tokens},
          {a.heads * a.queries * a.tokens, a.queries * a.tokens, a.tokens, 1}},
        elements(a.precision == Precision::full   ? CUDNN_DATA_FLOAT
                 : a.precision == Precision::bf16 ? CUDNN_DATA_BFLOAT16
                                                  : CUDNN_DATA_HALF) {}

  const Descriptor& tensor(Part part, const Layout& layout) { return add(part, layout, elements); }
  const Descriptor& f32(Part part, const Layout& layout) { return add(part, layout, CUDNN_DATA_FLOAT); }
  const Descriptor& number(Part part) {
    return add(part, {{1, 1, 1, 1}, {1, 1, 1, 1}}, CUDNN_DATA_FLOAT, CUDNN_ATTR_TENSOR_IS_BY_VALUE);
  }
  const Descriptor& between(const Layout& layout, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return add(next++, layout, type, CUDNN_ATTR_TENSOR_IS_VIRTUAL);
  }

  void multiply(const Descriptor& a, const Descriptor& b, const Descriptor& c) {
    Descriptor f32(CUDNN_BACKEND_MATMUL_DESCRIPTOR, "matmul");
    f32.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_DATA_FLOAT).finalize();
    operation(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_MATMUL_DESC, std::move(f32))
        .set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, a)
        .set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, b)
        .set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, c)
        .finalize();
  }
  // y = f(x, b), b broadcast; without b where f takes one.
  void pointwise(cudnnPointwiseMode_t f, const Descriptor& x, const Descriptor* b, const Descriptor& y) {
    Descriptor mode(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "pointwise");
    mode.set(CUDNN_ATTR_POINTWISE_MODE, f).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT).finalize();
    Descriptor& made = operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, std::move(mode))
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    if (b) made.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    made.finalize();
  }
  const Descriptor& pointwise(cudnnPointwiseMode_t f, const Descriptor& x, const Descriptor* b) {
    const Descriptor& y = between(p);
    pointwise(f, x, b, y);
    return y;
  }
  // y's sizes are x's, but 1 where it is summed over
  void sum(const Descriptor& x, const Descriptor& y) {
    Descriptor add(CUDNN_BACKEND_REDUCTION_DESCRIPTOR, "sum");
    add.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_REDUCE_TENSOR_ADD)
        .set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT)
        .finalize();
    operation(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, std::move(add))
        .set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x)
        .set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y)
        .finalize();
  }
  // The same elements under the transposed layout, rounded to 16 bits.
  const Descriptor& turn(const Descriptor& x, const Layout& layout) {
    const Descriptor& y = between(transposed(layout), elements);
    operation(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x)
        .set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y)
        .finalize();
    return y;
  }
  Descriptor& operation(cudnnBackendDescriptorType_t type) {
    return graph.operations.emplace_back(type, "an operation of attention");
  }

  const Layout heads, memory, row, p;  // of q, of k and v, of a number for each query, of P
  OperationGraph graph;

 private:
  static Layout heads_of(const FusedAttention& a, Int rows) {
    const Int width = a.heads * a.size;
    return {{a.batch, a.heads, rows, a.size}, {rows * width, a.size, width, 1}};
  }
  const Descriptor& add(int64_t id, const Layout& layout, cudnnDataType_t type,
                        cudnnBackendAttributeName_t kind = CUDNN_ATTR_TENSOR_UNIQUE_ID) {
    Descriptor& made = graph.tensors.emplace_back(CUDNN_BACKEND_TENSOR_DESCRIPTOR,
                                                  fmt::format("tensor {} of attention", id));
    made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, layout.sizes)
        .set(CUDNN_ATTR_TENSOR_STRIDES, layout.strides)
        .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{16});
    if (kind != CUDNN_ATTR_TENSOR_UNIQUE_ID) made.set(kind, true);
    return made.finalize();
  }

  cudnnDataType_t elements;
  int64_t next = 100;  // the numbers of virtual tensors
};

OperationGraph forward(const FusedAttention& a) {
  Builder g(a);
  const Descriptor &q = g.tensor(Part::q, g.heads), &k = g.tensor(Part::k, g.memory),
                   &v = g.tensor(Part::v, g.memory), &y = g.tensor(Part::y, g.heads),
                   &statistics = g.f32(Part::statistics, g.row), &scale = g.number(Part::scale);
  g.operation(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR)
      .set(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, q)
      .set(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, k)
      .set(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, v)
      .set(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, y)
      .set(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, statistics)
      .set(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale)
      .finalize();
  return std::move(g.graph);
}

// The library has a descriptor for backward, but no engine takes it; these operations in this order are what
// its engines know, as NVIDIA's cudnn_frontend 1.32 composes them (its Scaled Dot Product Attention
// backward). k and v are given transposed. Where dq goes through sums in f32, these are added up in any
// order.
OperationGraph backward(const FusedAttention& a) {
  Builder g(a);
  const Descriptor &q = g.tensor(Part::q, g.heads), &k = g.tensor(Part::k, transposed(g.memory)),
                   &v = g.tensor(Part::v, transposed(g.memory)), &y = g.tensor(Part::y, g.heads),
                   &statistics = g.f32(Part::statistics, g.row), &dy = g.tensor(Part::dy, g.heads),
                   &scale = g.number(Part::scale), &one = g.number(Part::one),
                   &along = g.f32(Part::along, g.row);
  // along = Σ dy·y over the channels, which is Σ_j P·dP
  const Descriptor &products = g.between(g.heads), &sum = g.between(g.row);
  g.pointwise(CUDNN_POINTWISE_MUL, dy, &y, products);
  g.sum(products, sum);
  g.pointwise(CUDNN_POINTWISE_MUL, sum, &one, along);
  // P = exp(scale·q·kᵀ − statistics), dv = Pᵀ·dy
  const Descriptor& scores = g.between(g.p);
  g.multiply(q, k, scores);
  const Descriptor& scaled = g.pointwise(CUDNN_POINTWISE_MUL, scores, &scale);
  const Descriptor& logarithm = g.pointwise(CUDNN_POINTWISE_SUB, scaled, &statistics);
  const Descriptor& p = g.pointwise(CUDNN_POINTWISE_EXP, logarithm, nullptr);
  g.multiply(g.turn(p, g.p), dy, g.tensor(Part::dv, g.memory));
  // ds = scale·P∘(dy·vᵀ − along), dk = dsᵀ·q, dq = ds·k
  const Descriptor& dp = g.between(g.p);
  g.multiply(dy, v, dp);
  const Descriptor& centred = g.pointwise(CUDNN_POINTWISE_SUB, dp, &along);
  const Descriptor& weighted = g.pointwise(CUDNN_POINTWISE_MUL, centred, &p);
  const Descriptor& ds = g.pointwise(CUDNN_POINTWISE_MUL, weighted, &scale);
  g.multiply(g.turn(ds, g.p), q, g.tensor(Part::dk, g.memory));
  const Descriptor &turned = g.turn(k, transposed(g.memory)), &dq = g.tensor(Part::dq, g.heads);
  if (a.deterministic) {
    g.multiply(ds, turned, dq);
  } else {
    const Int rows = a.queries * a.size;
    const Descriptor& sums = g.f32(Part::sums, {g.heads.sizes, {a.heads * rows, rows, a.size, 1}});
    g.multiply(ds, turned, sums);
    g.pointwise(CUDNN_POINTWISE_IDENTITY, sums, nullptr, dq);
  }
  return std::move(g.graph);
}

}  // namespace

std::vector<Int> FusedAttention::key() const {
  return {backward, batch, heads, queries, tokens, size, static_cast<Int>(precision), deterministic};
}

std::string FusedAttention::text() const {
  return fmt::format("attention{} of {} queries to {} tokens, {} heads of {} channels, batch {}",
                     backward ? "_grad" : "", queries, tokens, heads, size, batch);
}

AttentionPlan::AttentionPlan(const FusedAttention& a, const Target& target)
    : Plan(a.backward ? cudnn::backward(a) : forward(a), a.text(), target,
           {.tensor_cores = true,
            .transforms = false,
            .any_order = !a.deterministic,
            .compiles = true,  // there are no others
            .workspace = std::numeric_limits<Int>::max()}),
      backward(a.backward),
      scale_factor(static_cast<float>(1 / std::sqrt(static_cast<double>(a.size)))) {}

bool AttentionPlan::run(void* handle, std::vector<std::pair<Int, void*>> tensors, void* workspace) const {
  float by_value = scale_factor, unit = 1;
  tensors.emplace_back(scale, &by_value);
  if (backward) tensors.emplace_back(one, &unit);
  return Plan::run(handle, tensors, workspace);
}

}  // namespace sonograd::cudnn
