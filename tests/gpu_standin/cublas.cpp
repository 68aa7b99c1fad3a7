#include <cublasLt.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>

#include "base/error.h"
#include "tests/gpu_standin/libraries.h"

// The rules' sources are in brackets, as README.md names them.
using namespace gpu_standin;

struct cublasLtContext {
  std::thread::id owner = std::this_thread::get_id();
};
struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType type = CUDA_R_32F;
  std::int64_t rows = 0, columns = 0, leading = 0, apart = 0;
  std::int32_t count = 1;
};
struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  std::int32_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N;
};
struct cublasLtMatmulPreferenceOpaque_t {
  std::uint64_t workspace = 0;
  std::uint32_t schemes = 7, a = 256, b = 256, c = 256, d = 256;
};
struct cublasLtMatrixTransformDescOpaque_t {
  std::int32_t op_a = CUBLAS_OP_N;
};

namespace {

cublasStatus_t refuse(const std::string& text) {
  fault("cuBLASLt: " + text);
  return CUBLAS_STATUS_INVALID_VALUE;
}

template <class T>
std::set<const T*>& live() {
  static std::set<const T*> all;
  return all;
}
template <class T>
cublasStatus_t create(T** made, const T& value) {
  *made = new T(value);
  live<T>().insert(*made);
  return CUBLAS_STATUS_SUCCESS;
}
template <class T>
cublasStatus_t destroy(T* descriptor) {
  if (live<T>().erase(descriptor) == 0) return refuse("a descriptor destroyed that is none");
  delete descriptor;
  return CUBLAS_STATUS_SUCCESS;
}
template <class... T>
bool all_live(const T*... descriptors) {
  if (((live<T>().count(descriptors) == 1) && ...)) return true;
  refuse("a descriptor of another kind, or one that was destroyed");
  return false;
}

// [lt] "sizeInBytes doesn't match size of internal storage for selected attribute"
template <class T>
cublasStatus_t set(T& place, const void* value, std::size_t bytes) {
  if (bytes != sizeof place)
    return refuse(fmt::format("{} bytes for an attribute of {}", bytes, sizeof place));
  std::memcpy(&place, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

bool may_call(cublasLtHandle_t handle) {
  // [ours] [blas] Thread Safety: a handle for each thread, as it advises
  if (live<cublasLtContext>().count(handle) == 1 && handle->owner == std::this_thread::get_id()) return true;
  refuse("a handle that is none, or another thread's");
  return false;
}
bool may_compute(cublasLtHandle_t handle, const void* alpha, const void* beta, cudaStream_t stream) {
  if (!may_call(handle)) return false;
  if (!stream)
    refuse("work on the legacy stream");  // [ours] [runtime] "Stream synchronization behavior"
  else if (of_gpu(alpha) || of_gpu(beta))
    refuse("alpha or beta on the gpu in pointer mode host");  // [lt] ..._POINTER_MODE
  else
    return true;
  return false;
}

using Layout = const cublasLtMatrixLayoutOpaque_t&;

std::int64_t bytes_of(Layout x) {  // from the first element to the last
  return 4 * ((x.count - 1) * x.apart + (x.columns - 1) * x.leading + x.rows);
}

// What is wrong with a product, or nothing.
std::string fault_of(const cublasLtMatmulDescOpaque_t& op, Layout a, Layout b, Layout c, Layout d) {
  const auto rows = [](Layout x, std::int32_t op_x) { return op_x == CUBLAS_OP_N ? x.rows : x.columns; };
  const auto columns = [](Layout x, std::int32_t op_x) { return op_x == CUBLAS_OP_N ? x.columns : x.rows; };
  for (const Layout x : {a, b, c, d}) {
    if (x.type != CUDA_R_32F) return "elements that are not f32";  // [ours]
    if (x.rows <= 0 || x.columns <= 0 || x.count <= 0)
      return "a size that is not positive, though our code leaves such products out";
    if (std::max({x.rows, x.columns}) > INT32_MAX) return "a size beyond 31 bits";  // [lt] ..._ROWS
    if (x.count != a.count) return "batches of different counts";
    if (x.apart < 0) return "a negative stride";
  }
  const std::int64_t m = c.rows, n = c.columns, k = columns(a, op.op_a);  // [blas] cublasLtMatmul
  if (rows(a, op.op_a) != m || rows(b, op.op_b) != k || columns(b, op.op_b) != n)
    return "sizes that do not fit together";
  if (a.leading < a.rows || b.leading < b.rows || c.leading < c.rows)  // [lt] ..._LD
    return fmt::format("leading dimensions {}, {}, {} of matrices with columns of {}, {}, {}", a.leading,
                       b.leading, c.leading, a.rows, b.rows, c.rows);
  if (d.rows != m || d.columns != n || d.leading != c.leading || d.apart != c.apart)
    return "a result of another layout than what is added to it";
  // [blas] cublas<t>gemmStridedBatched: the matrices of c must not overlap; a and b may
  if (c.count > 1 && c.apart < (n - 1) * c.leading + m && !(c.apart >= m && c.apart * c.count <= c.leading))
    return "products that overlap";
  return {};
}

// What an algorithm was chosen for.
struct Choice {
  std::vector<std::int64_t> problem;
  std::uint32_t a = 0, b = 0, c = 0, d = 0;  // alignments
  std::size_t workspace = 0;
};
std::vector<Choice>& choices() {
  static std::vector<Choice> all;
  return all;
}
constexpr std::uint64_t signature = 0x5054206f72676c41;

std::vector<std::int64_t> problem(const cublasLtMatmulDescOpaque_t& op, Layout a, Layout b, Layout c) {
  std::vector<std::int64_t> numbers{op.compute, op.op_a, op.op_b};
  for (const Layout x : {a, b, c})
    numbers.insert(numbers.end(), {x.rows, x.columns, x.leading, x.apart, x.count});
  return numbers;
}

bool aligned(const void* address, std::uint32_t to) {
  return reinterpret_cast<std::uintptr_t>(address) % to == 0;
}

}  // namespace

namespace gpu_standin {
CublasState& cublas_state() {
  static CublasState state;
  return state;
}
std::size_t live_product_descriptors() {
  return live<cublasLtMatrixLayoutOpaque_t>().size() + live<cublasLtMatmulDescOpaque_t>().size() +
         live<cublasLtMatmulPreferenceOpaque_t>().size() + live<cublasLtMatrixTransformDescOpaque_t>().size();
}
}  // namespace gpu_standin

const char* cublasLtGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED ? "the requested functionality is not supported"
                                               : "an invalid value or state";
}
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return create(handle, {});
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns, std::int64_t leading) {
  return create(layout,
                {type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), leading, 0, 1});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy(layout);
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                std::size_t bytes) {
  if (!all_live(layout)) return CUBLAS_STATUS_INVALID_VALUE;
  if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) return set(layout->count, value, bytes);
  return set(layout->apart, value, bytes);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  if (scale != CUDA_R_32F) return refuse("alpha and beta that are not f32");
  return create(operation, {compute});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  return destroy(operation);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              std::size_t bytes) {
  if (!all_live(operation)) return CUBLAS_STATUS_INVALID_VALUE;
  return set(attribute == CUBLASLT_MATMUL_DESC_TRANSA ? operation->op_a : operation->op_b, value, bytes);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create(preference, {});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy(preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
  if (!all_live(preference)) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return set(preference->workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return set(preference->schemes, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return set(preference->a, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return set(preference->b, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return set(preference->c, value, bytes);
    default:
      return set(preference->d, value, bytes);
  }
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t* results, int* returned) {
  *returned = 0;
  if (!may_call(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!all_live(operation, a, b, c, d, preference) || requested < 1) return CUBLAS_STATUS_INVALID_VALUE;
  if (const std::string text = fault_of(*operation, *a, *b, *c, *d); !text.empty()) return refuse(text);
  // [ours] [lt] cublasLtReductionScheme_t: by "counters", in the output
  if ((preference->schemes & CUBLASLT_REDUCTION_SCHEME_INPLACE) != 0)
    return refuse("sums whose parts may be added in the order in which they are ready");
  for (const std::uint32_t each : {preference->a, preference->b, preference->c, preference->d})
    if (each < 4 || (each & (each - 1)) != 0) return refuse(fmt::format("an alignment of {} bytes", each));
  ++cublas_state().asked;
  if (cublas_state().none) return *cublas_state().none;
  // Some of the algorithms take workspace, where they may, of a size like no other's.
  Choice choice{problem(*operation, *a, *b, *c), preference->a, preference->b, preference->c, preference->d};
  choice.workspace = static_cast<std::size_t>(c->rows * c->columns % 4 * 1000 + c->columns % 4 * 16);
  if (choice.workspace > preference->workspace) choice.workspace = 0;
  choices().push_back(choice);
  *returned = 1;
  results[0] = {{{signature, choices().size() - 1}}, choice.workspace, CUBLAS_STATUS_SUCCESS, 1, {}};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha,
                              const void* a_first, cublasLtMatrixLayout_t a_layout, const void* b_first,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c_first,
                              cublasLtMatrixLayout_t c_layout, void* d_first, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t bytes,
                              cudaStream_t stream) {
  if (!may_compute(handle, alpha, beta, stream)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!all_live(operation, a_layout, b_layout, c_layout, d_layout)) return CUBLAS_STATUS_INVALID_VALUE;
  const auto op = *operation;
  const auto a = *a_layout, b = *b_layout, c = *c_layout, d = *d_layout;
  if (const std::string text = fault_of(op, a, b, c, d); !text.empty()) return refuse(text);
  // [ours] What is 1 in another type begins with other bits.
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  if (scale != 1 || (keep != 0 && keep != 1))
    return refuse("alpha and beta that are not 1, and 0 or 1, as f32");
  // [ours] from here on: what our code asks for; [lt] an algorithm is of the problem that it was chosen for
  if (c_first != d_first) return refuse("a result in another place than what is added to it");
  if (!algorithm) return refuse("no algorithm, so that the library chooses one at each call");
  if (algorithm->data[0] != signature || algorithm->data[1] >= choices().size())
    return refuse("an algorithm that is none");
  const Choice& choice = choices()[algorithm->data[1]];
  if (choice.problem != problem(op, a, b, c))
    return refuse("an algorithm that was chosen for another product");
  if (!aligned(a_first, choice.a) || !aligned(b_first, choice.b) || !aligned(c_first, choice.c) ||
      !aligned(d_first, choice.d))
    return refuse("an address out of the alignment that the algorithm was chosen for");
  // [lt] cublasLtMatmul; [blas] the same: aligned to 256 bytes
  if (bytes < choice.workspace || (choice.workspace > 0 && (!workspace || !aligned(workspace, 256))))
    return refuse(fmt::format("a workspace of {} bytes at {} for an algorithm that needs {}, aligned to 256",
                              bytes, workspace, choice.workspace));
  if (choice.workspace > 0 &&
      !reaches(workspace, static_cast<std::int64_t>(choice.workspace), "the workspace of a product"))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (!reaches(a_first, bytes_of(a), "a of a product") || !reaches(b_first, bytes_of(b), "b of a product") ||
      !reaches(d_first, bytes_of(d), "c of a product"))
    return CUBLAS_STATUS_INVALID_VALUE;
  enqueue(stream, [=, used = choice.workspace, from_a = static_cast<const float*>(a_first),
                   from_b = static_cast<const float*>(b_first), to = static_cast<float*>(d_first)] {
    if (used > 0) std::memset(workspace, 0xFF, used);
    const auto read = [rounds = op.compute == CUBLAS_COMPUTE_32F_FAST_TF32](float value) {
      return static_cast<double>(rounds ? tf32(value) : value);
    };
    const std::int64_t k = op.op_a == CUBLAS_OP_N ? a.columns : a.rows;
    for (std::int64_t batch = 0; batch < c.count; ++batch)
      for (std::int64_t j = 0; j < c.columns; ++j)
        for (std::int64_t i = 0; i < c.rows; ++i) {
          double sum = 0;
          for (std::int64_t l = 0; l < k; ++l)
            sum += read(from_a[batch * a.apart +
                               (op.op_a == CUBLAS_OP_N ? l * a.leading + i : i * a.leading + l)]) *
                   read(from_b[batch * b.apart +
                               (op.op_b == CUBLAS_OP_N ? j * b.leading + l : l * b.leading + j)]);
          float& y = to[batch * d.apart + j * d.leading + i];
          y = static_cast<float>(scale * sum) + (keep == 0 ? 0.0F : keep * y);  // [blas] 0: not read
        }
  });
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixTransformDescCreate(cublasLtMatrixTransformDesc_t* transform,
                                                 cudaDataType scale) {
  if (scale != CUDA_R_32F) return refuse("alpha and beta that are not f32");
  return create(transform, {});
}
cublasStatus_t cublasLtMatrixTransformDescDestroy(cublasLtMatrixTransformDesc_t transform) {
  return destroy(transform);
}
cublasStatus_t cublasLtMatrixTransformDescSetAttribute(cublasLtMatrixTransformDesc_t transform,
                                                       cublasLtMatrixTransformDescAttributes_t,
                                                       const void* value, std::size_t bytes) {
  if (!all_live(transform)) return CUBLAS_STATUS_INVALID_VALUE;
  return set(transform->op_a, value, bytes);
}

cublasStatus_t cublasLtMatrixTransform(cublasLtHandle_t handle, cublasLtMatrixTransformDesc_t transform,
                                       const void* alpha, const void* a_first,
                                       cublasLtMatrixLayout_t a_layout, const void* beta, const void* b,
                                       cublasLtMatrixLayout_t b_layout, void* c_first,
                                       cublasLtMatrixLayout_t c_layout, cudaStream_t stream) {
  if (!may_compute(handle, alpha, beta, stream)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!all_live(transform, a_layout, c_layout)) return CUBLAS_STATUS_INVALID_VALUE;
  // Of the sum, the transpose of a is all that this knows.
  if (transform->op_a != CUBLAS_OP_T || b || b_layout || *static_cast<const float*>(alpha) != 1 ||
      *static_cast<const float*>(beta) != 0)
    return refuse("a sum of matrices that is no transpose");
  const auto a = *a_layout, c = *c_layout;
  if (a.rows <= 0 || a.columns <= 0 || a.count != 1 || c.count != 1 || c.rows != a.columns ||
      c.columns != a.rows || a.leading < a.rows || c.leading < c.rows || a.type != CUDA_R_32F ||
      c.type != CUDA_R_32F)
    return refuse("sizes or leading dimensions of a transpose");
  if (!reaches(a_first, bytes_of(a), "a of a transpose") ||
      !reaches(c_first, bytes_of(c), "c of a transpose"))
    return CUBLAS_STATUS_INVALID_VALUE;
  enqueue(stream, [=, from = static_cast<const float*>(a_first), to = static_cast<float*>(c_first)] {
    for (std::int64_t j = 0; j < c.columns; ++j)
      for (std::int64_t i = 0; i < c.rows; ++i) to[j * c.leading + i] = from[i * a.leading + j];
  });
  return CUBLAS_STATUS_SUCCESS;
}
