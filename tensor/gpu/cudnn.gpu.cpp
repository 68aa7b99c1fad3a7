#include "tensor/gpu/cudnn.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/shared_library.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/lost.h"

namespace sonograd::cudnn {

const Functions& functions() {
  static const Functions found = [] {
    const SharedLibrary library("libcudnn.so.9");
    Functions f{};
    SONOGRAD_FIND(library, f, create, cudnnCreate);
    SONOGRAD_FIND(library, f, set_stream, cudnnSetStream);
    SONOGRAD_FIND(library, f, version, cudnnGetVersion);
    SONOGRAD_FIND(library, f, error_string, cudnnGetErrorString);
    SONOGRAD_FIND(library, f, last_error_string, cudnnGetLastErrorString);
    SONOGRAD_FIND(library, f, create_descriptor, cudnnBackendCreateDescriptor);
    SONOGRAD_FIND(library, f, destroy_descriptor, cudnnBackendDestroyDescriptor);
    SONOGRAD_FIND(library, f, set_attribute, cudnnBackendSetAttribute);
    SONOGRAD_FIND(library, f, get_attribute, cudnnBackendGetAttribute);
    SONOGRAD_FIND(library, f, finalize, cudnnBackendFinalize);
    SONOGRAD_FIND(library, f, execute, cudnnBackendExecute);
    SONOGRAD_FIND(library, f, create_tensor_descriptor, cudnnCreateTensorDescriptor);
    SONOGRAD_FIND(library, f, destroy_tensor_descriptor, cudnnDestroyTensorDescriptor);
    SONOGRAD_FIND(library, f, set_tensor_4d, cudnnSetTensor4dDescriptor);
    SONOGRAD_FIND(library, f, derive_norm_descriptor, cudnnDeriveBNTensorDescriptor);
    SONOGRAD_FIND(library, f, norm_forward, cudnnBatchNormalizationForwardTraining);
    SONOGRAD_FIND(library, f, norm_backward, cudnnBatchNormalizationBackward);
    const std::size_t version = f.version();
    expect(version >= 91301 && version < 100000, "cuDNN is of version {}; 9.13.1 or a later 9 is needed",
           version);
    const std::size_t cuda = library.function<decltype(cudnnGetCudartVersion)>("cudnnGetCudartVersion")();
    expect(cuda / 1000 == 13, "cuDNN is the one for CUDA {}; the one for CUDA 13 is needed", cuda / 1000);
    return f;
  }();
  return found;
}

void check(cudnnStatus_t status, const char* call, const std::string& what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> said{};
  functions().last_error_string(said.data(), said.size());
  std::string line = said.data();
  for (char& c : line)
    if (c == '\n') c = ' ';
  throw gpu::Failure("cuDNN: {}{}{}: {} ({}){}{}{}", call, what.empty() ? "" : " of ", what,
                     functions().error_string(status), static_cast<int>(status), line.empty() ? "" : ": ",
                     line, gpu::lost());
}

bool refuses(cudnnStatus_t status) {
  return status >= 3000 && status < 5000 && status != CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED &&
         status != CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type, std::string name) : name(std::move(name)) {
  check(functions().create_descriptor(type, &descriptor), "cudnnBackendCreateDescriptor", this->name);
}
Descriptor::~Descriptor() {
  if (descriptor) functions().destroy_descriptor(descriptor);
}
Descriptor::Descriptor(Descriptor&& other) noexcept
    : name(std::move(other.name)),
      parts(std::move(other.parts)),
      descriptor(std::exchange(other.descriptor, nullptr)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(name, other.name);
  std::swap(parts, other.parts);
  std::swap(descriptor, other.descriptor);
  return *this;
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type,
                            int64_t count, const void* values) {
  check(functions().set_attribute(descriptor, attribute, type, count, values), "cudnnBackendSetAttribute",
        fmt::format("attribute {} of {}", static_cast<int>(attribute), name));
  return *this;
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t attribute, std::vector<Descriptor>&& values) {
  std::vector<cudnnBackendDescriptor_t> raw;
  for (Descriptor& value : values) {
    raw.push_back(value.descriptor);
    parts.push_back(std::move(value));
  }
  return set(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(raw.size()), raw.data());
}

Descriptor& Descriptor::finalize() {
  check(functions().finalize(descriptor), "cudnnBackendFinalize", name);
  return *this;
}
bool Descriptor::try_finalize() {
  const cudnnStatus_t status = functions().finalize(descriptor);
  if (status >= 3000 && !refuses(status)) check(status, "cudnnBackendFinalize", name);
  return status == CUDNN_STATUS_SUCCESS;
}

int64_t Descriptor::get(cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type, int64_t most,
                        void* values) const {
  int64_t count = 0;
  check(functions().get_attribute(descriptor, attribute, type, most, &count, values),
        "cudnnBackendGetAttribute", fmt::format("attribute {} of {}", static_cast<int>(attribute), name));
  return std::min(count, most == 0 ? count : most);
}

std::vector<Descriptor> Descriptor::get(cudnnBackendAttributeName_t attribute,
                                        cudnnBackendDescriptorType_t type, const std::string& name) const {
  std::vector<Descriptor> found;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int64_t i = get(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr); i > 0; --i)
    raw.push_back(found.emplace_back(type, name).descriptor);
  const int64_t count =
      get(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(raw.size()), raw.data());
  found.erase(found.begin() + count, found.end());
  return found;
}

}  // namespace sonograd::cudnn
