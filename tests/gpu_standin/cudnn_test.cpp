// Mistakes in calls of cuDNN that would give wrong numbers on a card, or a status that nobody sees, and what
// the stand-in says to them. The numbers in brackets are those of README.md.
#include <doctest/doctest.h>

#include <optional>
#include <thread>

#include "ops/conv2d/convolution_plan.h"
#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/runtime.h"
#include "tensor/tensor.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"

using namespace sonograd;
using namespace gpu_standin;
using cudnn::Descriptor;

namespace {

Tensor matrix(const Shape& shape) {
  return Tensor::filled(shape, 0.5, DType::f32, Device::gpu);
}

using Sizes = std::vector<int64_t>;
Sizes channels_last(const Sizes& size) {
  return {size[1] * size[2] * size[3], 1, size[1] * size[3], size[1]};
}

// A convolution as a caller may describe it, rightly as it stands.
struct Call {
  Sizes x{2, 3, 8, 7}, w{5, 3, 3, 2}, y{2, 5, 4, 7};
  Sizes x_strides = channels_last(x), w_strides = channels_last(w), y_strides = channels_last(y);
  Sizes before{0, 0}, after{1, 1};
  float beta = 0;
  cudnnDataType_t elements = CUDNN_DATA_FLOAT, sums = CUDNN_DATA_FLOAT;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
};

Descriptor tensor(const Call& call, const Sizes& size, const Sizes& strides, int64_t id) {
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor");
  made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, call.elements)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, size)
      .set(CUDNN_ATTR_TENSOR_STRIDES, strides)
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{16});
  return std::move(made.finalize());
}
Descriptor operation(const Call& call) {
  Descriptor windows(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "windows");
  windows.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, call.sums)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, call.mode)
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, call.before)
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, call.after)
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Sizes{2, 1})
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Sizes{1, 1});
  windows.finalize();
  Descriptor made(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "convolution");
  made.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, std::move(windows))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, tensor(call, call.x, call.x_strides, 'x'))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, tensor(call, call.w, call.w_strides, 'w'))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, tensor(call, call.y, call.y_strides, 'y'))
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0F)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, call.beta);
  return std::move(made.finalize());
}
Seen described(const Call& call) {
  return seen([&] { operation(call); });
}

}  // namespace

TEST_CASE("filters in any order but KRSC are refused [2]") {
  CHECK(described({}).thrown.empty());
  Call hwio, kcrs;
  hwio.w_strides = {1, 5, 2 * 3 * 5, 3 * 5};
  kcrs.w_strides = {3 * 3 * 2, 3 * 2, 2, 1};
  CHECK(says(described(hwio), "channels do not lie innermost"));
  CHECK(says(described(kcrs), "channels do not lie innermost"));
}

TEST_CASE("sizes in memory's order, symmetric padding, no elements and too many are refused [1, 9, 13, 14]") {
  Call nhwc;
  nhwc.x = {2, 8, 7, 3};
  nhwc.x_strides = channels_last(nhwc.x);
  CHECK(says(described(nhwc), "sizes of x, w and y that do not fit together"));
  Call symmetric;
  symmetric.after = {0, 0};
  CHECK(says(described(symmetric), "sizes of x, w and y that do not fit together"));
  Call empty;
  empty.x[0] = empty.y[0] = 0;
  CHECK(says(described(empty), "a tensor without elements"));
  Call huge;
  huge.x[0] = huge.y[0] = int64_t{1} << 24;
  CHECK(says(described(huge), "2^31 elements"));
}

TEST_CASE("types, scales and modes beyond the table are refused [7, 8]") {
  Call added, half_sums, halves, turned;
  added.beta = 1;
  half_sums.sums = CUDNN_DATA_BFLOAT16;
  halves.elements = CUDNN_DATA_HALF;
  turned.mode = CUDNN_CONVOLUTION;
  CHECK(says(described(added), "alpha and beta"));
  CHECK(says(described(half_sums), "sums that are not f32's"));
  CHECK(says(described(halves), "elements that are not f32"));
  CHECK(says(described(turned), "turned round"));
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "graph");
  CHECK(says(seen([&] { graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, 1.0F); }), "attribute 801"));
  CHECK(says(seen([&] { graph.finalize(); }), "without all of its attributes"));
}

TEST_CASE("a descriptor must be finalized before its use, is not set anew then, and outlives it [11, 22]") {
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "graph");
  const Descriptor loose(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "convolution");
  CHECK(says(seen([&] { graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, loose); }), "before it is finalized"));
  std::optional<Descriptor> made = operation({});
  CHECK(says(seen([&] { made->set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0F); }),
             "attribute 701 of a descriptor 10"));
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, *made);
  CHECK(says(seen([&] { made.reset(); }), "destroyed before one that it is set in"));
  CHECK(says(seen([&] { cudnnBackendFinalize(&graph); }), "a descriptor that is none"));
}

namespace {

// A convolution's plan beside its tensors, each of a block of its own.
struct Planned {
  cudnnHandle_t handle = with_stream(gpu::stream());
  cudnn::Target device{handle};
  cudnn::ConvolutionPlan plan{
      {convolution::Direction::grad_w, {}, {2, 5, 7, 3}, {3, 3, 3, 4}}, device, 1 << 20};
  Tensor x = matrix({2, 5, 7, 3}), w = matrix({4, 3, 3, 3}), y = matrix({2, 5, 7, 4});
  Storage workspace{plan.workspace(), true}, small{plan.workspace() - 1, true};

  static cudnnHandle_t with_stream(cudaStream_t stream) {
    cudnnHandle_t made = nullptr;
    cudnnCreate(&made);
    if (stream) cudnnSetStream(made, stream);
    return made;
  }
  static float* at(Tensor& tensor) { return tensor.mutable_gpu_data<float>(); }
  Seen run(cudnnHandle_t by, float* from, float* filter, float* to, void* scratch) {
    return seen([&] { expect(plan.run(by, from, filter, to, scratch), "the engine refuses"); });
  }
};

}  // namespace

TEST_CASE("a plan runs on the tensors, in the workspace and by the handle that it is for [4, 5, 21, 22]") {
  Planned p;
  float *const x = p.at(p.x), *const w = p.at(p.w), *const y = p.at(p.y);
  void* const workspace = p.workspace.data();
  CHECK(p.run(p.handle, x, w, y, workspace).thrown.empty());
  CHECK(p.w.at(13) == doctest::Approx(2 * 5 * 7 * 0.25).epsilon(0.5));
  CHECK(says(p.run(p.handle, x, w, y, nullptr), "the workspace of a plan"));
  CHECK(says(p.run(p.handle, x, w, y, p.small.data()), "the workspace of a plan"));
  CHECK(says(p.run(p.handle, y, x, w, workspace), "a tensor of a convolution"));
  CHECK(says(p.run(p.handle, x + 1, w, y, workspace), "out of the alignment that the plan is for"));
  CHECK(says(p.run(Planned::with_stream(nullptr), x, w, y, workspace), "without a stream"));
  Seen elsewhere;
  std::thread([&] { elsewhere = p.run(p.handle, x, w, y, workspace); }).join();
  CHECK(says(elsewhere, "another thread's"));
}
