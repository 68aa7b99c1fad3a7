#include "tensor/gpu/cublas.h"

#include <cublasLt.h>

#include <cstdint>
#include <memory>

#include "base/shared_library.h"
#include "tensor/cache.h"
#include "tensor/gpu/lost.h"
#include "tensor/gpu/policy.h"
#include "tensor/gpu/runtime.h"
#include "tensor/out_of_memory.h"
#include "tensor/storage.h"

namespace sonograd::cublas {
namespace {

struct Functions {
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtGetStatusString) status_string;
  decltype(&cublasLtMatrixLayoutCreate) create_layout;
  decltype(&cublasLtMatrixLayoutDestroy) destroy_layout;
  decltype(&cublasLtMatrixLayoutSetAttribute) set_layout;
  decltype(&cublasLtMatmulDescCreate) create_operation;
  decltype(&cublasLtMatmulDescDestroy) destroy_operation;
  decltype(&cublasLtMatmulDescSetAttribute) set_operation;
  decltype(&cublasLtMatmulPreferenceCreate) create_preference;
  decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference;
  decltype(&cublasLtMatmulAlgoGetHeuristic) choose;
  decltype(&cublasLtMatmul) multiply;
  decltype(&cublasLtMatrixTransformDescCreate) create_transform;
  decltype(&cublasLtMatrixTransformDescDestroy) destroy_transform;
  decltype(&cublasLtMatrixTransformDescSetAttribute) set_transform;
  decltype(&cublasLtMatrixTransform) transform;
};

const Functions& functions() {
  static const Functions found = [] {
    const SharedLibrary library("libcublasLt.so.13");
    Functions f{};
    SONOGRAD_FIND(library, f, create, cublasLtCreate);
    SONOGRAD_FIND(library, f, status_string, cublasLtGetStatusString);
    SONOGRAD_FIND(library, f, create_layout, cublasLtMatrixLayoutCreate);
    SONOGRAD_FIND(library, f, destroy_layout, cublasLtMatrixLayoutDestroy);
    SONOGRAD_FIND(library, f, set_layout, cublasLtMatrixLayoutSetAttribute);
    SONOGRAD_FIND(library, f, create_operation, cublasLtMatmulDescCreate);
    SONOGRAD_FIND(library, f, destroy_operation, cublasLtMatmulDescDestroy);
    SONOGRAD_FIND(library, f, set_operation, cublasLtMatmulDescSetAttribute);
    SONOGRAD_FIND(library, f, create_preference, cublasLtMatmulPreferenceCreate);
    SONOGRAD_FIND(library, f, destroy_preference, cublasLtMatmulPreferenceDestroy);
    SONOGRAD_FIND(library, f, set_preference, cublasLtMatmulPreferenceSetAttribute);
    SONOGRAD_FIND(library, f, choose, cublasLtMatmulAlgoGetHeuristic);
    SONOGRAD_FIND(library, f, multiply, cublasLtMatmul);
    SONOGRAD_FIND(library, f, create_transform, cublasLtMatrixTransformDescCreate);
    SONOGRAD_FIND(library, f, destroy_transform, cublasLtMatrixTransformDescDestroy);
    SONOGRAD_FIND(library, f, set_transform, cublasLtMatrixTransformDescSetAttribute);
    SONOGRAD_FIND(library, f, transform, cublasLtMatrixTransform);
    return f;
  }();
  return found;
}

void check(cublasStatus_t status, const char* call, const auto&... sizes) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  std::string of;
  ((of += fmt::format("{}{}", of.empty() ? " of sizes " : ", ", sizes)), ...);
  throw gpu::Failure("cuBLASLt: {}{}: {} ({}){}", call, of, functions().status_string(status),
                     static_cast<int>(status), gpu::lost());
}

// Of this thread; the library takes no two calls on one handle at once. As long as the process.
cublasLtHandle_t handle() {
  thread_local cublasLtHandle_t const the_handle = [] {
    cublasLtHandle_t made = nullptr;
    check(functions().create(&made), "cublasLtCreate");
    return made;
  }();
  return the_handle;
}

// A descriptor, made with `arguments` and destroyed with its owner.
template <class T>
using Owned = std::unique_ptr<T, cublasStatus_t (*)(T*)>;
template <class T>
Owned<T> made(const char* call, cublasStatus_t (*destroy)(T*), auto create, const auto&... arguments) {
  T* descriptor = nullptr;
  check(create(&descriptor, arguments...), call);
  return {descriptor, destroy};
}
// The value must have just the size that cublasLt.h names beside the attribute.
void set(auto function, const auto& descriptor, auto attribute, const auto& value, const char* call) {
  check(function(descriptor.get(), attribute, &value, sizeof value), call);
}

// The library's matrices lie column after column: what lies row after row is to it the transpose.
Owned<cublasLtMatrixLayoutOpaque_t> layout(Int rows, Int columns, Int leading, Int count = 1, Int apart = 0) {
  auto matrices = made<cublasLtMatrixLayoutOpaque_t>(
      "cublasLtMatrixLayoutCreate", functions().destroy_layout, functions().create_layout, CUDA_R_32F,
      static_cast<std::uint64_t>(columns), static_cast<std::uint64_t>(rows), leading);
  if (count > INT32_MAX) throw gpu::Failure("cuBLASLt takes no {} products at once", count);
  set(functions().set_layout, matrices, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(count),
      "cublasLtMatrixLayoutSetAttribute (count of matrices)");
  set(functions().set_layout, matrices, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, std::int64_t{apart},
      "cublasLtMatrixLayoutSetAttribute (how far they are apart)");
  return matrices;
}
Owned<cublasLtMatrixLayoutOpaque_t> layout(const Factor& factor, Int rows, Int columns, Int count) {
  return factor.transposed ? layout(columns, rows, factor.leading, count, factor.apart)
                           : layout(rows, columns, factor.leading, count, factor.apart);
}
std::int32_t operation(bool transposed) {
  return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

// Of an address: the largest power of 2 that divides it, up to the library's own default.
std::uint32_t alignment(const void* first) {
  const auto address = reinterpret_cast<std::uintptr_t>(first) | 256U;
  return static_cast<std::uint32_t>(address & (~address + 1));
}

// At most, in bytes: what NVIDIA advises ("cublasSetWorkspace").
std::uint64_t workspace_limit() {
  static const std::uint64_t bytes = [] {
    int major = 0;
    gpu::check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu::device_index()),
               "cudaDeviceGetAttribute");
    return std::uint64_t{major >= 9 ? 32U : 4U} << 20;
  }();
  return bytes;
}

// What the library is told of equal calls, and the algorithm that it chose for them.
struct Plan {
  Owned<cublasLtMatmulDescOpaque_t> operation;
  Owned<cublasLtMatrixLayoutOpaque_t> a, b, c;
  cublasLtMatmulAlgo_t algorithm;
  Int workspace;  // bytes
};

Plan planned(Int m, Int n, Int k, const Factor& a, const Factor& b, const Product& c, Int count, bool tf32) {
  const Functions& f = functions();
  Plan plan{
      made<cublasLtMatmulDescOpaque_t>("cublasLtMatmulDescCreate", f.destroy_operation, f.create_operation,
                                       tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
      layout(a, m, k, count),
      layout(b, k, n, count),
      layout(m, n, c.leading, count, c.apart),
      {},
      0};
  set(f.set_operation, plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, operation(b.transposed),
      "cublasLtMatmulDescSetAttribute (op(b))");
  set(f.set_operation, plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, operation(a.transposed),
      "cublasLtMatmulDescSetAttribute (op(a))");
  const auto preference = made<cublasLtMatmulPreferenceOpaque_t>("cublasLtMatmulPreferenceCreate",
                                                                 f.destroy_preference, f.create_preference);
  const auto prefer = [&](auto attribute, const auto& value) {
    set(f.set_preference, preference, attribute, value, "cublasLtMatmulPreferenceSetAttribute");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_limit());
  // A sum may be cut into parts that are added in a step of their own, in a fixed order; not in the product
  // itself, as each becomes ready.
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(b.first));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(a.first));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(c.first));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(c.first));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const char* const call = "cublasLtMatmulAlgoGetHeuristic";
  const cublasStatus_t status = f.choose(handle(), plan.operation.get(), plan.b.get(), plan.a.get(),
                                         plan.c.get(), plan.c.get(), preference.get(), 1, &best, &found);
  if (status == CUBLAS_STATUS_SUCCESS && found == 0)
    throw gpu::Failure("cuBLASLt: {} of sizes {}, {}, {}, {}: no algorithm on this GPU", call, m, n, k,
                       count);
  check(status, call, m, n, k, count);
  check(best.state, call, m, n, k, count);
  plan.algorithm = best.algo;
  plan.workspace = static_cast<Int>(best.workspaceSize);
  return plan;
}

}  // namespace

void open() {
  functions();
}

// It is asked for cᵀ = bᵀ·aᵀ.
void multiply(Int m, Int n, Int k, const Factor& a, const Factor& b, const Product& c, Int count, float keep,
              Precision precision) {
  static auto& plans = *new Cache<Plan>(4096);  // as long as the process
  const bool tf32 = gpu::policy().tf32 || precision != Precision::full;
  const auto plan =
      plans.get({m, n, k, count, a.leading, a.transposed, a.apart, alignment(a.first), b.leading,
                 b.transposed, b.apart, alignment(b.first), c.leading, c.apart, alignment(c.first), tf32},
                [&] { return planned(m, n, k, a, b, c, count, tf32); });
  const Storage workspace = allocating([] { return std::string("cuBLASLt's workspace"); },
                                       [&] { return Storage(plan->workspace, true); });
  const float one = 1;
  check(functions().multiply(handle(), plan->operation.get(), &one, b.first, plan->b.get(), a.first,
                             plan->a.get(), &keep, c.first, plan->c.get(), c.first, plan->c.get(),
                             &plan->algorithm, workspace.data(), static_cast<std::size_t>(plan->workspace),
                             gpu::stream()),
        "cublasLtMatmul", m, n, k, count);
}

void transpose(Int rows, Int columns, const float* from, float* to) {
  const auto turn = made<cublasLtMatrixTransformDescOpaque_t>("cublasLtMatrixTransformDescCreate",
                                                              functions().destroy_transform,
                                                              functions().create_transform, CUDA_R_32F);
  set(functions().set_transform, turn, CUBLASLT_MATRIX_TRANSFORM_DESC_TRANSA, operation(true),
      "cublasLtMatrixTransformDescSetAttribute");
  const auto given = layout(rows, columns, columns), turned = layout(columns, rows, rows);
  const float one = 1, none = 0;
  check(functions().transform(handle(), turn.get(), &one, from, given.get(), &none, nullptr, nullptr, to,
                              turned.get(), gpu::stream()),
        "cublasLtMatrixTransform", rows, columns);
}

}  // namespace sonograd::cublas
