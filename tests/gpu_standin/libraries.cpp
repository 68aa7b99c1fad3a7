#include "tests/gpu_standin/libraries.h"

#include <cublasLt.h>
#include <cudnn.h>
#include <nccl.h>

#include <bit>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "base/shared_library.h"
#include "tests/gpu_standin/state.h"

namespace gpu_standin {

namespace {

bool not_launched = false;  // a kernel of the call under way

// A library's function as its users find it: it is counted, fails where a test asks for that, and where one
// of its kernels is not launched.
template <auto function>
struct Found;
template <class Status, class... Arguments, Status (*function)(Arguments...)>
struct Found<function> {
  inline static const char* name = nullptr;
  static Status call(Arguments... arguments) {
    if constexpr (!std::is_enum_v<Status>) {
      return function(arguments...);
    } else {
      if (const int asked = asked_to_fail(name)) return static_cast<Status>(asked);
      not_launched = false;
      const Status status = function(arguments...);
      if (status != Status() || !not_launched) return status;
      return static_cast<Status>(std::is_same_v<Status, cudnnStatus_t> ? int{CUDNN_STATUS_EXECUTION_FAILED}
                                 : std::is_same_v<Status, cublasStatus_t>
                                     ? int{CUBLAS_STATUS_EXECUTION_FAILED}
                                     : int{ncclUnhandledCudaError});
    }
  }
};
template <auto function>
std::pair<const std::string, void*> found(const char* name) {
  Found<function>::name = name;
  return {name, reinterpret_cast<void*>(&Found<function>::call)};
}

}  // namespace

void enqueue(cudaStream_t stream, std::function<void()> f) {
  cudaLaunchConfig_t config{};
  config.stream = stream;
  if (launch(config, 0, std::move(f)) != cudaSuccess) not_launched = true;
}

float tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7F800000U) == 0x7F800000U) return value;  // no number
  return std::bit_cast<float>((bits + 0xFFFU + (bits >> 13 & 1U)) & 0xFFFFE000U);
}

bool reaches(const void* first, std::int64_t bytes, const char* what) {
  note_address(first);
  if (holds(first, static_cast<std::size_t>(bytes))) return true;
  fault(fmt::format("{}: {} bytes at {} are no part of one block of the gpu", what, bytes, first));
  return false;
}

std::size_t live_objects() {
  const State& s = state();
  return s.streams.size() + s.events.size() + s.graphs.size() + s.executables.size() +
         live_product_descriptors() + live_graph_descriptors() + live_norm_descriptors();
}

CudnnState& cudnn_state() {
  static CudnnState state;
  return state;
}

const std::map<std::string, void*>& library_functions() {
#define NAMED(function) found<&(function)>(#function)
  static const std::map<std::string, void*> all{NAMED(cudnnGetVersion),
                                                NAMED(cudnnGetCudartVersion),
                                                NAMED(cudnnGetErrorString),
                                                NAMED(cudnnGetLastErrorString),
                                                NAMED(cudnnCreate),
                                                NAMED(cudnnSetStream),
                                                NAMED(cudnnBackendCreateDescriptor),
                                                NAMED(cudnnBackendDestroyDescriptor),
                                                NAMED(cudnnBackendSetAttribute),
                                                NAMED(cudnnBackendGetAttribute),
                                                NAMED(cudnnBackendFinalize),
                                                NAMED(cudnnBackendExecute),
                                                NAMED(cudnnCreateTensorDescriptor),
                                                NAMED(cudnnDestroyTensorDescriptor),
                                                NAMED(cudnnSetTensor4dDescriptor),
                                                NAMED(cudnnDeriveBNTensorDescriptor),
                                                NAMED(cudnnBatchNormalizationForwardTraining),
                                                NAMED(cudnnBatchNormalizationBackward),
                                                NAMED(cublasLtGetStatusString),
                                                NAMED(cublasLtCreate),
                                                NAMED(cublasLtMatrixLayoutCreate),
                                                NAMED(cublasLtMatrixLayoutDestroy),
                                                NAMED(cublasLtMatrixLayoutSetAttribute),
                                                NAMED(cublasLtMatmulDescCreate),
                                                NAMED(cublasLtMatmulDescDestroy),
                                                NAMED(cublasLtMatmulDescSetAttribute),
                                                NAMED(cublasLtMatmulPreferenceCreate),
                                                NAMED(cublasLtMatmulPreferenceDestroy),
                                                NAMED(cublasLtMatmulPreferenceSetAttribute),
                                                NAMED(cublasLtMatmulAlgoGetHeuristic),
                                                NAMED(cublasLtMatmul),
                                                NAMED(cublasLtMatrixTransformDescCreate),
                                                NAMED(cublasLtMatrixTransformDescDestroy),
                                                NAMED(cublasLtMatrixTransformDescSetAttribute),
                                                NAMED(cublasLtMatrixTransform),
                                                NAMED(ncclGetVersion),
                                                NAMED(ncclGetErrorString),
                                                NAMED(ncclGetLastError),
                                                NAMED(ncclGetUniqueId),
                                                NAMED(ncclCommInitRank),
                                                NAMED(ncclCommGetAsyncError),
                                                NAMED(ncclCommDestroy),
                                                NAMED(ncclCommAbort),
                                                NAMED(ncclAllReduce),
                                                NAMED(ncclBroadcast)};
#undef NAMED
  return all;
}

}  // namespace gpu_standin

// In the place of the library's own (base/shared_library.cpp), which this program leaves out.
namespace sonograd {

SharedLibrary::SharedLibrary(const std::string& file) : file(file) {
  expect(file == "libcudnn.so.9" || file == "libcublasLt.so.13" || file == "libnccl.so.2",
         "there is no stand-in for {}", file);
  const char* const absent = std::getenv("STANDIN_ABSENT");
  expect(!absent || file != absent, "{} cannot be opened (STANDIN_ABSENT)", file);
}
void* SharedLibrary::address(const char* name) const {
  const auto found = gpu_standin::library_functions().find(name);
  expect(found != gpu_standin::library_functions().end(), "the stand-in for {} has no {}", file, name);
  return found->second;
}

}  // namespace sonograd
