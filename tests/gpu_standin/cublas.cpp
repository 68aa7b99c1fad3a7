#include <cublas_v2.h>

#include <algorithm>
#include <set>
#include <thread>

#include "tensor/error.h"
#include "tests/gpu_standin/libraries.h"

// The rules, each with its source: [blas] "cuBLAS Library", NVIDIA's manual, by section; [sheet] the
// project's fact sheet, section 4.
using namespace gpu_standin;

struct cublasContext {
  std::thread::id owner = std::this_thread::get_id();
  cudaStream_t stream = nullptr;
  bool workspace = false;
};

namespace {

std::set<cublasHandle_t>& handles() {
  static std::set<cublasHandle_t> all;
  return all;
}

cublasStatus_t refuse(const std::string& text) {
  fault("cuBLAS: " + text);
  return CUBLAS_STATUS_INVALID_VALUE;
}

// Whether the handle may compute: alive, on its own thread, on a stream of ours and with memory of ours
// ([blas] cublasSetWorkspace: in the library's own, equal calls need not give equal bits under several
// streams).
bool may_compute(cublasHandle_t handle) {
  if (handles().count(handle) == 0 || handle->owner != std::this_thread::get_id())
    fault("cuBLAS: a handle that is none, or another thread's");
  else if (!handle->stream)
    fault("cuBLAS: work on the legacy stream: cublasSetStream was not called");
  else if (!handle->workspace)
    fault(
        "cuBLAS: no workspace: cublasSetWorkspace was not called, or before cublasSetStream, which takes it "
        "away");
  else
    return true;
  return false;
}

bool on_host(const void* scalar) {
  return !of_gpu(scalar);
}

// Elements from the first to the last of `count` column-major matrices.
std::int64_t extent(std::int64_t rows, std::int64_t columns, std::int64_t leading, std::int64_t stride,
                    std::int64_t count) {
  return (count - 1) * stride + (columns - 1) * leading + rows;
}

}  // namespace

const char* cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "success" : "an invalid value or state";
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = *handles().insert(new cublasContext).first;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  if (handles().count(handle) == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->stream = stream;
  handle->workspace = false;  // [blas] cublasSetStream: it goes back to the default pool
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  if (handles().count(handle) == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  // [blas] cublasSetWorkspace: 256 bytes aligned; at least 16 KiB, or calls may fail
  if (reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0 || bytes < 16384)
    return refuse("a workspace out of line or small");
  if (!reaches(workspace, static_cast<std::int64_t>(bytes), "cublasSetWorkspace"))
    return CUBLAS_STATUS_INVALID_VALUE;
  handle->workspace = true;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmStridedBatchedEx_64(cublasHandle_t handle, cublasOperation_t op_a,
                                             cublasOperation_t op_b, int64_t m, int64_t n, int64_t k,
                                             const void* alpha, const void* a_first, cudaDataType a_type,
                                             int64_t lda, long long a_stride, const void* b_first,
                                             cudaDataType b_type, int64_t ldb, long long b_stride,
                                             const void* beta, void* c_first, cudaDataType c_type,
                                             int64_t ldc, long long c_stride, int64_t count,
                                             cublasComputeType_t compute, cublasGemmAlgo_t) {
  if (!may_compute(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (m <= 0 || n <= 0 || k <= 0 || count <= 0)
    return refuse("a size that is not positive, though our code leaves such products out");
  if (a_type != CUDA_R_32F || b_type != CUDA_R_32F || c_type != CUDA_R_32F)
    return refuse("elements that are not f32");
  if (!on_host(alpha) || !on_host(beta))
    return refuse("alpha or beta on the gpu in pointer mode host");  // [blas] 2.1.6
  // [blas] cublasGemmEx: leading dimensions of column-major matrices
  const int64_t a_rows = op_a == CUBLAS_OP_N ? m : k, a_columns = op_a == CUBLAS_OP_N ? k : m;
  const int64_t b_rows = op_b == CUBLAS_OP_N ? k : n, b_columns = op_b == CUBLAS_OP_N ? n : k;
  if (lda < a_rows || ldb < b_rows || ldc < m)
    return refuse(fmt::format("leading dimensions {}, {}, {} of matrices with columns of {}, {}, {}", lda,
                              ldb, ldc, a_rows, b_rows, m));
  // [blas] cublasGemmStridedBatchedEx: the matrices of c must not overlap; a and b may
  if (count > 1 && c_stride < (n - 1) * ldc + m && !(c_stride >= m && c_stride * count <= ldc))
    return refuse("products that overlap");
  if (a_stride < 0 || b_stride < 0) return refuse("a negative stride");
  const auto *a = static_cast<const float*>(a_first), *b = static_cast<const float*>(b_first);
  auto* const c = static_cast<float*>(c_first);
  if (!reaches(a, 4 * extent(a_rows, a_columns, lda, a_stride, count), "a of a product") ||
      !reaches(b, 4 * extent(b_rows, b_columns, ldb, b_stride, count), "b of a product") ||
      !reaches(c, 4 * extent(m, n, ldc, c_stride, count), "c of a product"))
    return CUBLAS_STATUS_INVALID_VALUE;
  const bool rounds = compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  enqueue(handle->stream, [=, scale = *static_cast<const float*>(alpha),
                           keep = *static_cast<const float*>(beta)] {
    const auto read = [rounds](float value) { return static_cast<double>(rounds ? tf32(value) : value); };
    for (int64_t batch = 0; batch < count; ++batch)
      for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < m; ++i) {
          double sum = 0;
          for (int64_t l = 0; l < k; ++l)
            sum += read(a[batch * a_stride + (op_a == CUBLAS_OP_N ? l * lda + i : i * lda + l)]) *
                   read(b[batch * b_stride + (op_b == CUBLAS_OP_N ? j * ldb + l : l * ldb + j)]);
          float& to = c[batch * c_stride + j * ldc + i];
          to = static_cast<float>(scale * sum) + (keep == 0 ? 0.0F : keep * to);  // [sheet] 0: not read
        }
  });
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgeam_64(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                              int64_t m, int64_t n, const float* alpha, const float* a, int64_t lda,
                              const float* beta, const float* b, int64_t ldb, float* c, int64_t ldc) {
  if (!may_compute(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!on_host(alpha) || !on_host(beta)) return refuse("alpha or beta on the gpu in pointer mode host");
  // [blas] cublas<t>geam. Of the sum, the transpose of a is all that this knows.
  if (op_a != CUBLAS_OP_T || *alpha != 1 || *beta != 0)
    return refuse("a sum of matrices that is no transpose");
  if (m <= 0 || n <= 0 || lda < n || ldc < m) return refuse("sizes or leading dimensions of a transpose");
  if (b == c && (ldb != ldc || op_b != CUBLAS_OP_N)) return refuse("an addition in place of another layout");
  if (!reaches(a, 4 * extent(n, m, lda, 0, 1), "a of a transpose") ||
      !reaches(c, 4 * extent(m, n, ldc, 0, 1), "c of a transpose"))
    return CUBLAS_STATUS_INVALID_VALUE;
  enqueue(handle->stream, [=] {
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < m; ++i) c[j * ldc + i] = a[i * lda + j];
  });
  return CUBLAS_STATUS_SUCCESS;
}
