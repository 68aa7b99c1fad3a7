#include "ops/conv2d/convolution_plan.h"

#include <algorithm>
#include <array>

#include "tensor/gpu/cudnn.h"

namespace sonograd::cudnn {
namespace {

using convolution::Direction;

constexpr std::array<int64_t, 3> uids{'x', 'w', 'y'};

// Sizes in the library's order, channels before height and width, for elements that lie with the channels
// innermost: x and y as NHWC, w as KRSC.
Descriptor channels_last(const Convolution& c, int64_t uid, int64_t n, int64_t height, int64_t width,
                         int64_t channels) {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, std::string("tensor ") + static_cast<char>(uid));
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<int64_t>{n, channels, height, width})
      .set(CUDNN_ATTR_TENSOR_STRIDES,
           std::vector<int64_t>{height * width * channels, 1, width * channels, channels})
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, uid)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{c.alignment});
  return std::move(tensor.finalize());
}

Descriptor windows(const Convolution& c) {
  const Window at = c.conv.window_on(c.x[1], c.x[2], {c.w[0], c.w[1]});
  const auto pair = [](Int height, Int width) { return std::vector<int64_t>{height, width}; };
  Descriptor windows(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "convolution");
  windows.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pair(at.rows.before, at.columns.before))
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pair(at.rows.after, at.columns.after))
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, pair(c.conv.stride.height, c.conv.stride.width))
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, pair(c.conv.dilation.height, c.conv.dilation.width));
  return std::move(windows.finalize());
}

// How the library calls an operation's parts: attributes of the convolution, x, w, y, alpha and beta.
struct Names {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
};
Names names(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case Direction::grad_x:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    default:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
}

OperationGraph graph(const Convolution& c) {
  const Shape y = c.conv.shape(c.x, c.w);
  const Names name = names(c.direction);
  Descriptor operation(name.type, c.text());
  operation.set(name.convolution, windows(c))
      .set(name.x, channels_last(c, uids[0], c.x[0], c.x[1], c.x[2], c.x[3]))
      .set(name.w, channels_last(c, uids[1], c.w[3], c.w[0], c.w[1], c.w[2]))
      .set(name.y, channels_last(c, uids[2], y[0], y[1], y[2], y[3]))
      .set(name.alpha, 1.0F)
      .set(name.beta, 0.0F)
      .finalize();
  OperationGraph graph;
  graph.operations.push_back(std::move(operation));
  return graph;
}

}  // namespace

bool Convolution::within_limit() const {
  return std::max({x.elements(), w.elements(), conv.shape(x, w).elements()}) < Int{1} << 31;
}

std::vector<Int> Convolution::key() const {
  const Window at = conv.window_on(x[1], x[2], {w[0], w[1]});
  std::vector<Int> key{static_cast<Int>(direction), static_cast<Int>(arithmetic), deterministic, alignment};
  key.insert(key.end(), {conv.groups, conv.stride.height, conv.stride.width, conv.dilation.height});
  key.insert(key.end(), {conv.dilation.width, at.rows.before, at.rows.after, at.columns.before});
  key.push_back(at.columns.after);
  key.insert(key.end(), x.begin(), x.end());
  key.insert(key.end(), w.begin(), w.end());
  return key;
}

std::string Convolution::text() const {
  constexpr std::array<const char*, 3> directions{"conv2d", "conv2d_grad_x", "conv2d_grad_w"};
  const Window at = conv.window_on(x[1], x[2], {w[0], w[1]});
  return fmt::format("{} of x {} and w {}, padded ({},{})×({},{})",
                     directions.at(static_cast<std::size_t>(direction)), x.text(), w.text(), at.rows.before,
                     at.rows.after, at.columns.before, at.columns.after);
}

ConvolutionPlan::ConvolutionPlan(const Convolution& convolution, const Target& target, Int workspace)
    : Plan(graph(convolution), convolution.text(), target,
           {.tensor_cores = convolution.arithmetic != Arithmetic::f32,
            .transforms = convolution.arithmetic == Arithmetic::tf32,
            .any_order = !convolution.deterministic,
            .compiles = false,  // for each shape, it would take minutes
            .workspace = workspace}) {}

bool ConvolutionPlan::run(void* handle, void* x, void* w, void* y, void* workspace) const {
  return Plan::run(handle, {{uids[0], x}, {uids[1], w}, {uids[2], y}}, workspace);
}

}  // namespace sonograd::cudnn
