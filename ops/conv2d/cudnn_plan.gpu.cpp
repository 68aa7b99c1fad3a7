#include "ops/conv2d/cudnn_plan.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tensor/cudnn.h"

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

Descriptor graph(const Convolution& c, cudnnHandle_t handle) {
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
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, c.text());
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::move(operation));
  if (handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
  return std::move(graph.finalize());
}

// Whether the precision and the wish for equal bits allow what the engine notes about itself.
bool allowed(cudnnBackendNumericalNote_t note, const Convolution& c) {
  switch (note) {
    case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      return !c.deterministic;
    case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
    case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
      return false;
    case CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP:
      return true;
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
      return c.arithmetic != Arithmetic::f32;
    default:
      return c.arithmetic == Arithmetic::tf32;  // Winograd, FFT
  }
}

bool allowed(const Descriptor& engine, const Convolution& c) {
  for (const auto note : engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                                 CUDNN_NUMERICAL_NOTE_TYPE_COUNT))
    if (!allowed(note, c)) return false;
  // What is compiled when it is first asked for takes seconds for each shape.
  for (const auto note : engine.get<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                                                CUDNN_BEHAVIOR_NOTE_TYPE_COUNT))
    if (note == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) return false;
  return true;
}

}  // namespace

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

struct Target::Parts {
  cudnnHandle_t handle = nullptr;
  std::optional<Descriptor> device = {};  // without a handle
};

Target::Target(void* handle)
    : parts(std::make_unique<Parts>(Parts{.handle = static_cast<cudnnHandle_t>(handle)})) {}
Target::Target(const std::string& properties) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "device");
  device
      .set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::vector<char>(properties.begin(), properties.end()))
      .finalize();
  parts = std::make_unique<Parts>(Parts{.device = std::move(device)});
}
Target::~Target() = default;

struct ConvolutionPlan::Engines {
  Convolution convolution;
  Int most_workspace;
  Descriptor operations;
  std::vector<Descriptor> candidates;  // engine configurations
  std::size_t next = 0;                // the first that was not tried
  std::optional<Descriptor> plan;      // of the present candidate
  std::string name;
  Int workspace = 0;
};

ConvolutionPlan::ConvolutionPlan(const Convolution& convolution, const Target& target, Int workspace)
    : engines(std::make_unique<Engines>(
          Engines{convolution, workspace, graph(convolution, target.parts->handle), {}, 0, {}, {}, 0})) {
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "heuristics for " + convolution.text());
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, engines->operations)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (target.parts->device) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.parts->device);
    if (!heuristics.try_finalize()) continue;
    for (Descriptor& candidate :
         heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                        "an engine for " + convolution.text()))
      engines->candidates.push_back(std::move(candidate));
  }
  advance();
}
ConvolutionPlan::~ConvolutionPlan() = default;
ConvolutionPlan::ConvolutionPlan(ConvolutionPlan&&) noexcept = default;

void ConvolutionPlan::advance() {
  engines->plan.reset();
  while (engines->next < engines->candidates.size()) {
    const Descriptor& candidate = engines->candidates[engines->next++];
    const Descriptor engine = std::move(
        candidate.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, "an engine")[0]);
    if (!allowed(engine, engines->convolution)) continue;
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "a plan for " + engines->convolution.text());
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, candidate);
    if (!plan.try_finalize()) continue;
    engines->workspace = plan.get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1)[0];
    if (engines->workspace > engines->most_workspace) continue;
    engines->name = std::to_string(engine.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1)[0]);
    engines->plan = std::move(plan);
    return;
  }
}

bool ConvolutionPlan::found() const {
  return engines->plan.has_value();
}
std::string ConvolutionPlan::engine() const {
  return engines->name;
}
Int ConvolutionPlan::workspace() const {
  return engines->workspace;
}

bool ConvolutionPlan::run(void* handle, void* x, void* w, void* y, void* workspace) const {
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "addresses for " + engines->convolution.text());
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::vector<int64_t>(uids.begin(), uids.end()))
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::vector<void*>{x, w, y})
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace)
      .finalize();
  const cudnnStatus_t status =
      functions().execute(static_cast<cudnnHandle_t>(handle), engines->plan->get(), pack.get());
  // Not supported, or failed within the library; what else there is, such as a bad address, is no engine's.
  const bool refused = status >= 3000 && status < 5000;
  if (!refused) check(status, engines->convolution.text());
  return !refused;
}

}  // namespace sonograd::cudnn
