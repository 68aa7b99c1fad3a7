#include "tensor/cublas.h"

#include <cublas_v2.h>

#include "tensor/gpu_policy.h"
#include "tensor/gpu_runtime.h"
#include "tensor/shared_library.h"

namespace sonograd::cublas {
namespace {

struct Functions {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasGetStatusString) status_string;
  decltype(&cublasGemmStridedBatchedEx_64) multiply;
  decltype(&cublasSgeam_64) add;  // alpha·op(a) + beta·op(b)
};

const Functions& functions() {
  static const Functions found = [] {
    const SharedLibrary library("libcublas.so.13");
    Functions f{};
    f.create = library.function<decltype(cublasCreate_v2)>("cublasCreate_v2");
    f.set_stream = library.function<decltype(cublasSetStream_v2)>("cublasSetStream_v2");
    f.set_workspace = library.function<decltype(cublasSetWorkspace_v2)>("cublasSetWorkspace_v2");
    f.status_string = library.function<decltype(cublasGetStatusString)>("cublasGetStatusString");
    f.multiply = library.function<decltype(cublasGemmStridedBatchedEx_64)>("cublasGemmStridedBatchedEx_64");
    f.add = library.function<decltype(cublasSgeam_64)>("cublasSgeam_64");
    return f;
  }();
  return found;
}

void check(cublasStatus_t status, const char* call, const auto&... sizes) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  std::string of;
  ((of += fmt::format("{}{}", of.empty() ? " of sizes " : ", ", sizes)), ...);
  throw gpu::Failure("cuBLAS: {}{}: {} ({})", call, of, functions().status_string(status),
                     static_cast<int>(status));
}

// What NVIDIA advises ("cublasSetWorkspace"), in bytes.
Int workspace_bytes() {
  int major = 0;
  gpu::check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu::number()),
             "cudaDeviceGetAttribute");
  return Int{major >= 9 ? 32 : 4} << 20;
}

// Of this thread; the library takes no two calls on one handle at once. It works on our stream and in memory
// of ours, which the threads share, as the stream runs one call after the other. A new stream takes the
// workspace away, so that comes last. Both live as long as the process.
cublasHandle_t handle() {
  static const Int bytes = workspace_bytes();
  static void* const workspace = gpu::allocate(bytes);
  thread_local cublasHandle_t const the_handle = [] {
    cublasHandle_t made = nullptr;
    check(functions().create(&made), "cublasCreate");
    check(functions().set_stream(made, gpu::stream()), "cublasSetStream");
    check(functions().set_workspace(made, workspace, static_cast<std::size_t>(bytes)), "cublasSetWorkspace");
    return made;
  }();
  return the_handle;
}

}  // namespace

// The library's matrices lie column after column. What lies row after row is to it the transpose, so it is
// asked for cᵀ = bᵀ·aᵀ.
void multiply(Int m, Int n, Int k, const Factor& a, const Factor& b, const Product& c, Int count, float keep,
              Precision precision) {
  const float one = 1;
  const bool tf32 = gpu::policy().tf32 || precision != Precision::full;
  const auto operation = [](const Factor& factor) { return factor.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  check(functions().multiply(handle(), operation(b), operation(a), n, m, k, &one, b.first, CUDA_R_32F,
                             b.leading, b.apart, a.first, CUDA_R_32F, a.leading, a.apart, &keep, c.first,
                             CUDA_R_32F, c.leading, c.apart, count,
                             tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
        "cublasGemmStridedBatchedEx", m, n, k, count);
}

void transpose(Int rows, Int columns, const float* from, float* to) {
  const float one = 1, none = 0;
  check(functions().add(handle(), CUBLAS_OP_T, CUBLAS_OP_N, rows, columns, &one, from, columns, &none, to,
                        rows, to, rows),
        "cublasSgeam", rows, columns);
}

}  // namespace sonograd::cublas
