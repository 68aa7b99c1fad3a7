#pragma once
#include <cudnn.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

// cuDNN's graph API as it is used here: its functions, found when the first of them is asked for, and
// descriptors that free themselves. For *.gpu.cpp files alone.
namespace sonograd::cudnn {

struct Functions {
  decltype(&cudnnCreate) create;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnGetVersion) version;
  decltype(&cudnnGetErrorString) error_string;
  decltype(&cudnnGetLastErrorString) last_error_string;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor;
  decltype(&cudnnBackendSetAttribute) set_attribute;
  decltype(&cudnnBackendGetAttribute) get_attribute;
  decltype(&cudnnBackendFinalize) finalize;
  decltype(&cudnnBackendExecute) execute;
  // Of the older calls, batch norms': the graph API would compile them at run time.
  decltype(&cudnnCreateTensorDescriptor) create_tensor_descriptor;
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor_descriptor;
  decltype(&cudnnSetTensor4dDescriptor) set_tensor_4d;
  decltype(&cudnnDeriveBNTensorDescriptor) derive_norm_descriptor;
  decltype(&cudnnBatchNormalizationForwardTraining) norm_forward;
  decltype(&cudnnBatchNormalizationBackward) norm_backward;
};

// Throws Error where the library cannot be opened or is not of version 9, from 9.13.1 on, for CUDA 13.
const Functions& functions();

// Of this thread, on our stream; it lives as long as the process.
cudnnHandle_t handle();

// Throws gpu::Failure "cuDNN: <call> of <what>: <name of the status and what the library last said>".
void check(cudnnStatus_t status, const char* call, const std::string& what = {});
// Whether the status says that this engine does not do what is asked, or failed within, so that another may
// do it. Not so a bad address, which no engine would take, nor memory that was short once: all later calls
// would then be computed by another engine, in other bits.
bool refuses(cudnnStatus_t status);

constexpr cudnnBackendAttributeType_t type_of(cudnnHandle_t) {
  return CUDNN_TYPE_HANDLE;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnDataType_t) {
  return CUDNN_TYPE_DATA_TYPE;
}
constexpr cudnnBackendAttributeType_t type_of(int64_t) {
  return CUDNN_TYPE_INT64;
}
constexpr cudnnBackendAttributeType_t type_of(float) {
  return CUDNN_TYPE_FLOAT;
}
constexpr cudnnBackendAttributeType_t type_of(char) {
  return CUDNN_TYPE_CHAR;
}
constexpr cudnnBackendAttributeType_t type_of(void*) {
  return CUDNN_TYPE_VOID_PTR;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnConvolutionMode_t) {
  return CUDNN_TYPE_CONVOLUTION_MODE;
}
constexpr cudnnBackendAttributeType_t type_of(bool) {
  return CUDNN_TYPE_BOOLEAN;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnPointwiseMode_t) {
  return CUDNN_TYPE_POINTWISE_MODE;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnReduceTensorOp_t) {
  return CUDNN_TYPE_REDUCTION_OPERATOR_TYPE;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnBackendHeurMode_t) {
  return CUDNN_TYPE_HEUR_MODE;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnBackendNumericalNote_t) {
  return CUDNN_TYPE_NUMERICAL_NOTE;
}
constexpr cudnnBackendAttributeType_t type_of(cudnnBackendBehaviorNote_t) {
  return CUDNN_TYPE_BEHAVIOR_NOTE;
}

// A descriptor: attributes are set, then finalize() checks them together. Every refusal throws
// gpu::Failure, but those that try_finalize() tells.
class Descriptor {
 public:
  Descriptor(cudnnBackendDescriptorType_t type, std::string name);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t attribute, const std::vector<T>& values) {
    return set(attribute, type_of(T()), static_cast<int64_t>(values.size()), values.data());
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t attribute, T value) {
    return set(attribute, type_of(value), 1, &value);
  }
  // A descriptor must outlive those that it is set in, so that these keep what they are given.
  Descriptor& set(cudnnBackendAttributeName_t attribute, const Descriptor& value) {
    return set(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor);
  }
  Descriptor& set(cudnnBackendAttributeName_t attribute, Descriptor&& value) {
    parts.push_back(std::move(value));
    return set(attribute, parts.back());
  }
  Descriptor& set(cudnnBackendAttributeName_t attribute, std::vector<Descriptor>&& values);
  Descriptor& finalize();
  // False where the library refuses, for whatever reason but one that stands in no engine's power: memory
  // that is short, a gpu that fails.
  bool try_finalize();

  // As many as there are, at most `most`.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t attribute, int64_t most) const {
    std::vector<T> values(static_cast<std::size_t>(most));
    values.resize(static_cast<std::size_t>(get(attribute, type_of(T()), most, values.data())));
    return values;
  }
  // Those that there are, each a descriptor of that type and name.
  std::vector<Descriptor> get(cudnnBackendAttributeName_t attribute, cudnnBackendDescriptorType_t type,
                              const std::string& name) const;
  cudnnBackendDescriptor_t get() const { return descriptor; }

 private:
  Descriptor& set(cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type, int64_t count,
                  const void* values);
  int64_t get(cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type, int64_t most,
              void* values) const;

  std::string name;
  std::vector<Descriptor> parts;
  cudnnBackendDescriptor_t descriptor = nullptr;
};

// What plans are made for (tensor/gpu/cudnn_plan.h): operations, and the tensors that several of them share.
struct OperationGraph {
  std::deque<Descriptor> tensors = {};  // which stay where they are
  std::vector<Descriptor> operations;
};

}  // namespace sonograd::cudnn
