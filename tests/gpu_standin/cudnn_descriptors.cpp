#include "tests/gpu_standin/cudnn_descriptors.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "tests/gpu_standin/libraries.h"

namespace gpu_standin {
namespace {

constexpr auto tensor = CUDNN_BACKEND_TENSOR_DESCRIPTOR, windows = CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
               forward = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
               grad_x = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
               grad_w = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
               graph = CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
               heuristics = CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
               plan = CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, pack = CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
               attention = CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR,
               matmul = CUDNN_BACKEND_MATMUL_DESCRIPTOR, multiply = CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR,
               mode = CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
               pointwise = CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
               reduction = CUDNN_BACKEND_REDUCTION_DESCRIPTOR,
               reduce = CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR,
               reshape = CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR;
constexpr auto i64 = CUDNN_TYPE_INT64, f32 = CUDNN_TYPE_FLOAT, part = CUDNN_TYPE_BACKEND_DESCRIPTOR;

constexpr auto type = CUDNN_TYPE_DATA_TYPE;

// What may be set: all of it must be, but what is optional. Of no number there may be any. Types and numbers:
// NVIDIA's cuDNN manual, "cudnn_graph Library", cudnnBackendAttributeName_t and each descriptor's section;
// that the real library takes these very calls, tests/cudnn_plans.
struct Row {
  cudnnBackendDescriptorType_t of;
  cudnnBackendAttributeName_t name;
  cudnnBackendAttributeType_t type;
  int64_t count;
  bool optional = false;
};
constexpr Row rows[]{
    {tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
    {tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, i64, 4},
    {tensor, CUDNN_ATTR_TENSOR_STRIDES, i64, 4},
    {tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, i64, 1},
    {tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, i64, 1},
    {tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, true},
    {tensor, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, true},
    {windows, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, i64, 1},
    {windows, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
    {windows, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1},
    {windows, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i64, 2},
    {windows, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, i64, 2},
    {windows, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, i64, 2},
    {windows, CUDNN_ATTR_CONVOLUTION_DILATIONS, i64, 2},
    {forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, part, 1},
    {forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, part, 1},
    {forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, part, 1},
    {forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, part, 1},
    {forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, f32, 1},
    {forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, f32, 1},
    {grad_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, part, 1},
    {grad_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, part, 1},
    {grad_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, part, 1},
    {grad_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, part, 1},
    {grad_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, f32, 1},
    {grad_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, f32, 1},
    {grad_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, part, 1},
    {grad_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, part, 1},
    {grad_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, part, 1},
    {grad_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, part, 1},
    {grad_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, f32, 1},
    {grad_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, f32, 1},
    {attention, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, part, 1},
    {attention, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, part, 1},
    {attention, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, part, 1},
    {attention, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, part, 1},
    {attention, CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, part, 1},  // which our backward cannot be without
    {attention, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, part, 1},
    {matmul, CUDNN_ATTR_MATMUL_COMP_TYPE, type, 1},
    {multiply, CUDNN_ATTR_OPERATION_MATMUL_ADESC, part, 1},
    {multiply, CUDNN_ATTR_OPERATION_MATMUL_BDESC, part, 1},
    {multiply, CUDNN_ATTR_OPERATION_MATMUL_CDESC, part, 1},
    {multiply, CUDNN_ATTR_OPERATION_MATMUL_DESC, part, 1},
    {mode, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1},
    {mode, CUDNN_ATTR_POINTWISE_MATH_PREC, type, 1},
    {pointwise, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, part, 1},
    {pointwise, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, part, 1},
    {pointwise, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, part, 1, true},
    {pointwise, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, part, 1},
    {reduction, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1},
    {reduction, CUDNN_ATTR_REDUCTION_COMP_TYPE, type, 1},
    {reduce, CUDNN_ATTR_OPERATION_REDUCTION_DESC, part, 1},
    {reduce, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, part, 1},
    {reduce, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, part, 1},
    {reshape, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, part, 1},
    {reshape, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, part, 1},
    {graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, part, 0},
    {graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1},
    {heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, part, 1},
    {heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1},
    {plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, part, 1},
    {pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i64, 0},
    {pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 0},
    {pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1},
};

struct Living {
  std::set<Descriptor*> all;
  std::map<const Descriptor*, int> uses;  // in how many others it is set
};
Living& living() {
  static Living the_living;
  return the_living;
}

void count_parts(const Descriptor& descriptor, int by) {
  for (const auto& [name, attribute] : descriptor.attributes)
    if (attribute.type == part)
      for (const Descriptor* const each : descriptor.parts(name)) living().uses[each] += by;
}

}  // namespace

cudnnStatus_t refuse(cudnnStatus_t status, const std::string& text) {
  fault("cuDNN: " + text);
  return status;
}

std::size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    case CUDNN_TYPE_CHAR:
    case CUDNN_TYPE_BOOLEAN:
      return 1;
    default:
      return 4;
  }
}

Descriptor* descriptor_of(cudnnBackendDescriptor_t given) {
  auto* const found = static_cast<Descriptor*>(given);
  if (living().all.count(found) > 0) return found;
  fault("cuDNN: a descriptor that is none, or was destroyed");
  return nullptr;
}

Descriptor* finalized(cudnnBackendDescriptor_t given, cudnnBackendDescriptorType_t type) {
  Descriptor* const found = descriptor_of(given);
  if (found && found->finalized && found->type == type) return found;
  if (found) fault("cuDNN: a descriptor of another type, or not finalized");
  return nullptr;
}

}  // namespace gpu_standin

using namespace gpu_standin;

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* made) {
  *made = *living().all.insert(new Descriptor{type}).first;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t given) {
  Descriptor* const descriptor = descriptor_of(given);
  if (!descriptor) return CUDNN_STATUS_BAD_PARAM;
  if (living().uses[descriptor] > 0) fault("cuDNN: a descriptor was destroyed before one that it is set in");
  count_parts(*descriptor, -1);
  living().uses.erase(descriptor);
  living().all.erase(descriptor);
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t given, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  Descriptor* const descriptor = descriptor_of(given);
  if (!descriptor) return CUDNN_STATUS_BAD_PARAM;
  const Row* const row = std::find_if(std::begin(rows), std::end(rows), [&](const Row& each) {
    return each.of == descriptor->type && each.name == name;
  });
  if (descriptor->finalized || row == std::end(rows) || row->type != type || !values ||
      (row->count > 0 ? row->count != count : count < 1))
    return refuse(CUDNN_STATUS_BAD_PARAM,
                  fmt::format("attribute {} of a descriptor {}", static_cast<int>(name),
                              static_cast<int>(descriptor->type)));
  const auto* const first = static_cast<const char*>(values);
  descriptor->attributes[name] = {type, {first, first + static_cast<std::size_t>(count) * size_of(type)}};
  if (type != part) return CUDNN_STATUS_SUCCESS;
  for (void* const each : descriptor->all<void*>(name))
    if (const Descriptor* const used = descriptor_of(each); !used || !used->finalized) {
      descriptor->attributes.erase(name);
      return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED,
                    "a descriptor is set in another before it is finalized");
    }
  for (const Descriptor* const used : descriptor->parts(name)) ++living().uses[used];
  return CUDNN_STATUS_SUCCESS;
}

std::size_t gpu_standin::live_graph_descriptors() {
  return living().all.size();
}

// Whether all that the table asks for is set.
bool gpu_standin::complete(const Descriptor& descriptor) {
  return std::all_of(std::begin(rows), std::end(rows), [&](const Row& row) {
    return row.of != descriptor.type || row.optional || descriptor.has(row.name);
  });
}
