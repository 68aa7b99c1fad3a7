#include <cudnn.h>

#include <algorithm>
#include <set>
#include <thread>

#include "ops/conv2d/conv2d.h"
#include "tests/gpu_standin/cudnn_attention.h"
#include "tests/gpu_standin/libraries.h"

using namespace gpu_standin;
using sonograd::Conv2d;
using sonograd::Int;
using sonograd::Shape;
using sonograd::View;

struct cudnnContext {
  std::thread::id owner = std::this_thread::get_id();
  cudaStream_t stream = nullptr;
};

namespace {

std::set<cudnnHandle_t>& handles() {
  static std::set<cudnnHandle_t> all;
  return all;
}

// The rules' sources are in brackets, as README.md names them.

// The engines, in the order in which the heuristics name them. All but 1 and 0 do what f32's policy forbids,
// so that a forgotten filter gives other numbers, other numbers each time, or asks for memory that nobody
// has.
struct Engine {
  int number;
  cudnnBackendHeurMode_t mode;
  std::vector<cudnnBackendNumericalNote_t> notes = {};
  bool compiles = false, attention = false;
};
const std::vector<Engine>& engines() {
  static const std::vector<Engine> all{
      {9, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_WINOGRAD}},
      {5, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}},
      {6, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}},
      {7, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}},
      {4, CUDNN_HEUR_MODE_A, {}, true},
      {8, CUDNN_HEUR_MODE_A},  // a gigabyte of workspace
      {1, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP}},
      {0, CUDNN_HEUR_MODE_FALLBACK},
      {21, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, true, true},
      {20, CUDNN_HEUR_MODE_A, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, true, true}};
  return all;
}
const Engine& engine_of(const Descriptor& descriptor) {
  return *std::find_if(engines().begin(), engines().end(),
                       [&](const Engine& engine) { return engine.number == descriptor.engine; });
}

// How the library calls an operation's parts.
struct Parts {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t windows, x, w, y, alpha, beta;
};
constexpr Parts operations[]{
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};

// What an operation's descriptors say: sizes in the library's order, n/k, c, height, width.
struct Operation {
  std::size_t direction = 0;  // 0: y, 1: dx, 2: dw
  std::vector<int64_t> x, w, y, strides, dilations, before, after;
  std::array<int64_t, 3> ids{};
  int64_t alignment = 0;

  Conv2d conv() const {
    return {.stride = {strides[0], strides[1]},
            .dilation = {dilations[0], dilations[1]},
            .groups = x[1] / w[1],
            .pad = {before[0], after[0], before[1], after[1]}};
  }
};
const Parts* parts_of(const Descriptor& operation) {
  return std::find_if(std::begin(operations), std::end(operations),
                      [&](const Parts& parts) { return parts.type == operation.type; });
}
Operation read_operation(const Descriptor& operation) {
  const Parts& parts = *parts_of(operation);
  const Descriptor &windows = operation.part(parts.windows), &x = operation.part(parts.x),
                   &w = operation.part(parts.w), &y = operation.part(parts.y);
  const auto sizes = [](const Descriptor& of, cudnnBackendAttributeName_t name) {
    return of.all<int64_t>(name);
  };
  Operation read{static_cast<std::size_t>(&parts - operations),
                 sizes(x, CUDNN_ATTR_TENSOR_DIMENSIONS),
                 sizes(w, CUDNN_ATTR_TENSOR_DIMENSIONS),
                 sizes(y, CUDNN_ATTR_TENSOR_DIMENSIONS),
                 sizes(windows, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                 sizes(windows, CUDNN_ATTR_CONVOLUTION_DILATIONS),
                 sizes(windows, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
                 sizes(windows, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS)};
  read.alignment = x.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  read.ids = {x.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID), w.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID),
              y.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID)};
  return read;
}
// Of the graph that a heuristics' descriptor, a configuration or a plan was made for.
const Descriptor& operation_of(const Descriptor& graph) {
  return graph.part(CUDNN_ATTR_OPERATIONGRAPH_OPS);
}

cudnnStatus_t check_tensor(const Descriptor& tensor) {
  const auto size = tensor.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
             stride = tensor.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  if (*std::min_element(size.begin(), size.end()) < 1)  // [tried]
    return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor without elements");
  if (size[0] * size[1] * size[2] * size[3] >= int64_t{1} << 31)  // [tried]
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a tensor of 2^31 elements or more");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_image(const Descriptor& tensor) {
  const auto size = tensor.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
             stride = tensor.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  // [tried] Other orders than packed channels-last are copied, or for filters misread without a word.
  if (stride != std::vector<int64_t>{size[1] * size[2] * size[3], 1, size[1] * size[3], size[1]})
    return refuse(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "a tensor whose channels do not lie innermost, packed");
  if (tensor.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) != CUDNN_DATA_FLOAT)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "elements that are not f32");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_operation(const Descriptor& operation) {
  const Operation read = read_operation(operation);
  const Parts& parts = *parts_of(operation);
  for (const auto name : {parts.x, parts.w, parts.y})
    if (const auto status = check_image(operation.part(name)); status != CUDNN_STATUS_SUCCESS) return status;
  const Descriptor& windows = operation.part(parts.windows);
  if (windows.one<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2 ||
      windows.one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT ||  // [tried]
      windows.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) !=
          CUDNN_CROSS_CORRELATION)  // [manual] cudnnConvolutionMode_t
    return refuse(CUDNN_STATUS_BAD_PARAM, "sums that are not f32's, or a kernel that is turned round");
  // [manual, scaling parameters] With another beta the output is read: nothing of ours writes it before.
  if (operation.one<float>(parts.alpha) != 1 || operation.one<float>(parts.beta) != 0)
    return refuse(CUDNN_STATUS_BAD_PARAM, "alpha and beta that are not 1 and 0");
  const bool channels = read.x[1] % read.w[1] == 0 && read.w[0] % (read.x[1] / read.w[1]) == 0 &&
                        read.w[0] == read.y[1] && read.x[0] == read.y[0];
  bool spatial = true;  // and the channels: [tried], [real library] is_valid_spatial_dim, by what it
                        // answers tests/cudnn_plans
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const int64_t reach = read.dilations[axis] * (read.w[axis + 2] - 1) + 1;
    spatial = spatial &&
              (read.x[axis + 2] + read.before[axis] + read.after[axis] - reach) / read.strides[axis] + 1 ==
                  read.y[axis + 2];
  }
  return channels && spatial ? CUDNN_STATUS_SUCCESS
                             : refuse(CUDNN_STATUS_BAD_PARAM, "sizes of x, w and y that do not fit together");
}

// [5] Another number of bytes for each engine, direction and shape; none for the fallback.
int64_t workspace_of(int engine, const Descriptor& graph) {
  if (engine == 0) return 0;
  if (engine == 8) return int64_t{1} << 30;
  if (is_attention(graph)) return attention_workspace(graph);
  const Operation of = read_operation(operation_of(graph));
  return 1001 + 8 * of.x[1] + 64 * of.w[0] + 512 * static_cast<int64_t>(of.direction);
}

void compute(int engine, const Operation& of, float* x, float* w, float* y) {
  const auto channels_last = [](float* first, const std::vector<int64_t>& size) {
    const Shape shape{size[0], size[2], size[3], size[1]};
    return View<float>{first, shape, sonograd::row_major_strides(shape)};
  };
  const auto [k, c, r, s] = std::array<int64_t, 4>{of.w[0], of.w[1], of.w[2], of.w[3]};
  const View<float> all_x = channels_last(x, of.x), all_y = channels_last(y, of.y);
  const View<float> all_w{w, {r, s, c, k}, {s * c, c, 1, r * s * c}};
  const View<float>& to = of.direction == 0 ? all_y : of.direction == 1 ? all_x : all_w;
  static int runs = 0;
  const float start = engine == 7 ? 1e-3F * static_cast<float>(++runs) : engine == 9 ? 1e-3F : 0.0F;
  sonograd::for_each_index(to.shape, [&](const Shape& i) { to(i) = start; });
  const auto read = [engine](float value) { return engine == 5 || engine == 6 ? tf32(value) : value; };
  of.conv().taps(all_x, all_w, all_y, [&](float& x, float& w, float& y) {
    if (of.direction == 0) y += read(x) * read(w);
    if (of.direction == 1) x += read(w) * read(y);
    if (of.direction == 2) w += read(x) * read(y);
  });
}

// The addresses of a convolution's tensors.
cudnnStatus_t find_images(const Operation& of, const std::map<int64_t, void*>& tensors,
                          std::array<float*, 3>& data) {
  const std::array sizes{of.x, of.w, of.y};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto found = tensors.find(of.ids[i]);
    if (found == tensors.end()) return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor without an address");
    data[i] = static_cast<float*>(found->second);
    if (reinterpret_cast<std::uintptr_t>(data[i]) % static_cast<std::uintptr_t>(of.alignment) !=
        0)  // [headers]
      return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
                    "an address out of the alignment that the plan is for");
    if (!reaches(data[i], 4 * sizes[i][0] * sizes[i][1] * sizes[i][2] * sizes[i][3],
                 "a tensor of a convolution"))
      return CUDNN_STATUS_BAD_PARAM;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t give(const void* values, std::size_t count, std::size_t size, int64_t most, int64_t* given,
                   void* to) {
  *given = static_cast<int64_t>(count);
  if (static_cast<int64_t>(count) > most)
    return refuse(CUDNN_STATUS_BAD_PARAM, "too little room for an attribute");
  std::memcpy(to, values, count * size);
  return CUDNN_STATUS_SUCCESS;
}

// Makes `to`, which the caller created, the descriptor of an engine or its configuration.
cudnnStatus_t become(cudnnBackendDescriptor_t to, cudnnBackendDescriptorType_t type, const Descriptor& graph,
                     int engine) {
  Descriptor* const descriptor = descriptor_of(to);
  if (!descriptor || descriptor->type != type || descriptor->finalized)
    return refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor to be filled is of another type");
  *descriptor = {type, true, {}, engine, &graph};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t give_engines(const Descriptor& heuristics, int64_t most, int64_t* count, void* values) {
  const Descriptor& graph = heuristics.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  auto* const to = static_cast<cudnnBackendDescriptor_t*>(values);
  *count = 0;
  const bool attention = is_attention(graph), none = attention && !has_attention_engine(graph);
  for (const Engine& engine : engines()) {
    if (!cudnn_state().has_engines || none || engine.attention != attention ||
        engine.mode != heuristics.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE))
      continue;
    if (*count < most)
      if (const auto status = become(to[*count], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, graph, engine.number);
          status != CUDNN_STATUS_SUCCESS)
        return status;
    ++*count;
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

// [manual] cudnnHandle_t, Thread Safety: a handle is one thread's at a time. cudnnSetStream: its stream is
// the legacy one until it is given another.
cudaStream_t gpu_standin::stream_to_run_on(cudnnHandle_t handle) {
  if (handles().count(handle) > 0 && handle->owner == std::this_thread::get_id() && handle->stream)
    return handle->stream;
  fault("cuDNN: a handle that is none, another thread's, or without a stream");
  return nullptr;
}

std::size_t cudnnGetVersion() {
  return static_cast<std::size_t>(number_of_environment("STANDIN_CUDNN", 91900));
}
std::size_t cudnnGetCudartVersion() {  // of the library for CUDA 13: 13010, tried on 9.19
  return static_cast<std::size_t>(number_of_environment("STANDIN_CUDNN_CUDA", 13010));
}
const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS ? "CUDNN_STATUS_SUCCESS" : "an error of the stand-in";
}
void cudnnGetLastErrorString(char* message, std::size_t most) {
  std::strncpy(message, "see its faults", most);
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = *handles().insert(new cudnnContext).first;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  if (handles().count(handle) == 0) return refuse(CUDNN_STATUS_BAD_PARAM, "a handle that is none");
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t given) {
  Descriptor* const descriptor = descriptor_of(given);
  if (!descriptor || descriptor->finalized || !complete(*descriptor))
    return refuse(CUDNN_STATUS_BAD_PARAM,
                  "a descriptor is finalized twice, or without all of its attributes");
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  if (descriptor->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR) status = check_tensor(*descriptor);
  if (parts_of(*descriptor) != std::end(operations)) status = check_operation(*descriptor);
  if (status == CUDNN_STATUS_SUCCESS) status = check_attention_part(*descriptor);
  if (descriptor->type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR && is_attention(*descriptor))
    status = check_attention(*descriptor);
  if (descriptor->type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR &&
      handles().count(descriptor->one<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE)) == 0)
    status = refuse(CUDNN_STATUS_BAD_PARAM, "a graph for a handle that is none");
  if (descriptor->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
    const Descriptor& configuration = descriptor->part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    descriptor->engine = configuration.engine;
    descriptor->graph = configuration.graph;
    ++cudnn_state().plans;
  }
  descriptor->finalized = status == CUDNN_STATUS_SUCCESS;
  return status;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t given, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t most, int64_t* count,
                                       void* values) {
  const Descriptor* const from = descriptor_of(given);
  if (!from || !from->finalized)
    return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "read before it is finalized");
  const auto asked = [&](cudnnBackendDescriptorType_t of, cudnnBackendAttributeName_t what,
                         cudnnBackendAttributeType_t as) {
    return from->type == of && name == what && type == as;
  };
  if (asked(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_RESULTS,
            CUDNN_TYPE_BACKEND_DESCRIPTOR))
    return give_engines(*from, most, count, values);
  if (asked(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR)) {
    *count = 1;
    if (most == 0) return CUDNN_STATUS_SUCCESS;
    return become(*static_cast<cudnnBackendDescriptor_t*>(values), CUDNN_BACKEND_ENGINE_DESCRIPTOR,
                  *from->graph, from->engine);
  }
  if (asked(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE)) {
    const auto& notes = engine_of(*from).notes;
    return give(notes.data(), notes.size(), sizeof(notes[0]), most, count, values);
  }
  if (asked(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE)) {
    const auto note = CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    return give(&note, engine_of(*from).compiles ? 1 : 0, sizeof(note), most, count, values);
  }
  const int64_t number = from->engine;
  if (asked(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64))
    return give(&number, 1, sizeof(number), most, count, values);
  if (asked(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
            CUDNN_TYPE_INT64)) {
    const int64_t bytes = workspace_of(from->engine, *from->graph);
    return give(&bytes, 1, sizeof(bytes), most, count, values);
  }
  return refuse(CUDNN_STATUS_BAD_PARAM, fmt::format("attribute {} cannot be read", static_cast<int>(name)));
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t given_plan,
                                  cudnnBackendDescriptor_t given_pack) {
  const Descriptor* const plan = finalized(given_plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  const Descriptor* const pack = finalized(given_pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  if (!plan || !pack) return CUDNN_STATUS_BAD_PARAM;
  cudaStream_t const stream = stream_to_run_on(handle);
  if (!stream) return CUDNN_STATUS_BAD_PARAM;
  const auto ids = pack->all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto given = pack->all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  if (ids.size() != given.size()) return refuse(CUDNN_STATUS_BAD_PARAM, "other ids than addresses");
  std::map<int64_t, void*> tensors;
  for (std::size_t i = 0; i < ids.size(); ++i) tensors[ids[i]] = given[i];
  std::function<void()> work;
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  if (is_attention(*plan->graph)) {
    status = find_attention(*plan->graph, tensors, work);
  } else {
    const Operation of = read_operation(operation_of(*plan->graph));
    std::array<float*, 3> data{};
    status = find_images(of, tensors, data);
    work = [=, engine = plan->engine] { compute(engine, of, data[0], data[1], data[2]); };
  }
  if (status != CUDNN_STATUS_SUCCESS) return status;
  const int64_t bytes = workspace_of(plan->engine, *plan->graph);
  auto* const workspace = static_cast<char*>(pack->one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE));
  if (bytes > 0 && !reaches(workspace, bytes, "the workspace of a plan")) return CUDNN_STATUS_BAD_PARAM;
  auto& refusing = cudnn_state().refusing;
  if (const auto found = refusing.find(plan->engine); found != refusing.end())
    return static_cast<cudnnStatus_t>(found->second);
  cudnn_state().ran.push_back(plan->engine);
  enqueue(stream, [=] {
    if (bytes > 0) std::memset(workspace, 0xFF, static_cast<std::size_t>(bytes));
    work();
  });
  return CUDNN_STATUS_SUCCESS;
}
