// Mistakes in calls of cuBLASLt that would give wrong numbers on a card, or a status that nobody sees, and
// what the stand-in says to them. The numbers in brackets are those of README.md.
#include "tensor/gpu/cublas.h"

#include <cublasLt.h>
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <thread>

#include "tensor/gpu/policy.h"
#include "tensor/gpu/runtime.h"
#include "tensor/tensor.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

Tensor matrix(const Shape& shape) {
  return Tensor::filled(shape, 0.5, DType::f32, Device::gpu);
}

}  // namespace

TEST_CASE("leading dimensions of another matrix are refused [19]") {
  const Tensor a = matrix({5, 7}), b = matrix({7, 3});
  Tensor c = Tensor::empty({5, 3}, DType::f32, Device::gpu);
  float* const to = c.mutable_gpu_data<float>();
  const auto product = [&](const cublas::Factor& x, const cublas::Factor& w, const cublas::Product& y) {
    return seen([&] { cublas::multiply(5, 3, 7, x, w, y); });
  };
  const float *x = a.gpu_data<float>(), *w = b.gpu_data<float>();
  CHECK(product({x, 7}, {w, 3}, {to, 3}).thrown.empty());
  CHECK(says(product({x, 5}, {w, 3}, {to, 3}),
             "leading dimensions 3, 5, 3 of matrices with columns of 3, 7, 3"));
  CHECK(says(product({x, 7}, {w, 3}, {to, 2}), "leading dimensions"));
  CHECK(says(product({x, 8}, {w, 3}, {to, 3}), "b of a product"));            // leaves its block
  CHECK(says(product({x, 7}, {w, 3, true}, {to, 3}), "leading dimensions"));  // transposed, but not its sizes
  CHECK(says(product({x, 7}, {w, 3}, {to + 1, 3}), "c of a product"));
}

TEST_CASE("what a product is added to must have been written [6]") {
  const Tensor a = matrix({5, 7}), b = matrix({7, 3});
  for (const float keep : {0.0F, 1.0F}) {
    Tensor c = Tensor::empty({5, 3}, DType::f32, Device::gpu);
    cublas::multiply(5, 3, 7, {a.gpu_data<float>(), 7}, {b.gpu_data<float>(), 3},
                     {c.mutable_gpu_data<float>(), 3}, 1, keep);
    CHECK(std::isnan(c.at(0)) == (keep != 0));
  }
}

TEST_CASE("products of a batch that overlap are refused") {
  const Tensor a = matrix({2, 5, 7}), b = matrix({7, 3});
  Tensor c = Tensor::empty({2, 5, 3}, DType::f32, Device::gpu);
  const Seen result = seen([&] {
    cublas::multiply(5, 3, 7, {a.gpu_data<float>(), 7, false, 35}, {b.gpu_data<float>(), 3},
                     {c.mutable_gpu_data<float>(), 3, 0}, 2);
  });
  CHECK(says(result, "products that overlap"));
}

TEST_CASE("tf32 shows in the numbers, only where it is asked for or the factors were rounded [10]") {
  const float exact = 1.0F + 1.0F / 4096;  // of its 12 bits, tf32 keeps 10
  Tensor a = Tensor::filled({1, 1}, exact, DType::f32, Device::gpu), c = a.copy();
  const auto square = [&](Precision precision = Precision::full) {
    cublas::multiply(1, 1, 1, {a.gpu_data<float>(), 1}, {a.gpu_data<float>(), 1},
                     {c.mutable_gpu_data<float>(), 1}, 1, 0, precision);
    return c.at(0);
  };
  CHECK(square() == static_cast<double>(exact * exact));
  CHECK(square(Precision::f16) == 1);  // though nobody rounded them
  gpu::policy().tf32 = true;
  CHECK(square() == 1);
  gpu::policy().tf32 = false;
}

TEST_CASE("an algorithm is chosen once for equal calls, and anew for another alignment or precision") {
  Tensor a = matrix({6, 11}), b = matrix({11, 13}), c = matrix({6, 13});
  const auto asked = [&](Int offset, Int leading, Precision precision) {
    const std::size_t before = cublas_state().asked;
    cublas::multiply(5, 3, leading, {a.gpu_data<float>() + offset, leading},
                     {b.gpu_data<float>() + offset, 3}, {c.mutable_gpu_data<float>() + offset, 3}, 1, 0,
                     precision);
    CHECK(c.at(offset + 14) == 0.25 * static_cast<double>(leading));
    return cublas_state().asked - before;
  };
  CHECK(asked(0, 9, Precision::full) == 1);
  CHECK(asked(0, 9, Precision::full) == 0);
  CHECK(asked(1, 9, Precision::full) == 1);
  CHECK(asked(2, 9, Precision::full) == 1);
  CHECK(asked(1, 9, Precision::full) == 0);
  CHECK(asked(0, 9, Precision::bf16) == 1);
  CHECK(asked(0, 9, Precision::f16) == 0);  // tf32 is what both mean here
  CHECK(asked(0, 10, Precision::full) == 1);
}

TEST_CASE("a product that no algorithm computes is an error that names the call and the sizes") {
  const Tensor a = matrix({17, 19}), b = matrix({19, 23});
  Tensor c = matrix({17, 23});
  for (const auto status : {CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_NOT_SUPPORTED}) {
    cublas_state().none = status;
    const Seen result = seen([&] {
      cublas::multiply(17, 23, 19, {a.gpu_data<float>(), 19}, {b.gpu_data<float>(), 23},
                       {c.mutable_gpu_data<float>(), 23});
    });
    cublas_state().none.reset();
    CHECK(result.thrown.find("cuBLASLt: cublasLtMatmulAlgoGetHeuristic of sizes 17, 23, 19, 1: ") == 0);
  }
  CHECK(c.at(0) == 0.5);
}

namespace {

// A product c = b·a of column-major matrices as a caller may describe it to the library, rightly as it
// stands.
struct Call {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t chosen{};
  Tensor memory = matrix({4096});
  float* x = memory.mutable_gpu_data<float>();
  float* workspace = x + 1024;
  std::size_t bytes = 8192;
  float one = 1, none = 0;

  explicit Call(std::int64_t k = 7) {
    cublasLtCreate(&handle);
    cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatrixLayoutCreate(&a, CUDA_R_32F, 3, static_cast<std::uint64_t>(k), 3);
    cublasLtMatrixLayoutCreate(&b, CUDA_R_32F, static_cast<std::uint64_t>(k), 5, k);
    cublasLtMatrixLayoutCreate(&c, CUDA_R_32F, 3, 5, 3);
    cublasLtMatmulPreferenceCreate(&preference);
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{bytes});
  }
  template <class T>
  cublasStatus_t prefer(cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
    return cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
  }
  template <class T>
  cublasStatus_t lay(cublasLtMatrixLayoutAttribute_t attribute, const T& value) {
    return cublasLtMatrixLayoutSetAttribute(c, attribute, &value, sizeof value);
  }
  Seen choose() {
    return seen([&] {
      int found = 0;
      cublasLtMatmulAlgoGetHeuristic(handle, operation, a, b, c, c, preference, 1, &chosen, &found);
    });
  }
  Seen run(cudaStream_t stream = gpu::stream()) {
    return seen([&] {
      cublasLtMatmul(handle, operation, &one, x, a, x + 64, b, &none, x + 128, c, x + 128, c, &chosen.algo,
                     workspace, bytes, stream);
    });
  }
};

}  // namespace

TEST_CASE("attributes of another size than the library's are refused") {
  Call call;
  CHECK(says(seen([&] { call.lay(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int64_t{2}); }),
             "8 bytes for an attribute of 4"));
  CHECK(says(seen([&] { call.lay(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, std::int32_t{2}); }),
             "4 bytes for an attribute of 8"));
  CHECK(says(seen([&] { call.prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint32_t{2}); }),
             "4 bytes for an attribute of 8"));
  const std::uint64_t transposed = CUBLAS_OP_T;
  CHECK(says(seen([&] {
               cublasLtMatmulDescSetAttribute(call.operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                              sizeof transposed);
             }),
             "8 bytes for an attribute of 4"));
}

TEST_CASE("heuristics are asked about one product, its sums in a fixed order [12]") {
  Call call;
  CHECK(call.choose().faults.empty());
  CHECK(call.chosen.workspaceSize == 3016);
  call.prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{7});
  CHECK(says(call.choose(), "in the order in which they are ready"));
  Call counts, alignment;
  counts.lay(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int32_t{2});
  CHECK(says(counts.choose(), "batches of different counts"));
  alignment.prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t{24});
  CHECK(says(alignment.choose(), "an alignment of 24 bytes"));
  alignment.prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{3015});
  alignment.prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t{16});
  CHECK(alignment.choose().faults.empty());
  CHECK(alignment.chosen.workspaceSize == 0);
}

TEST_CASE(
    "an algorithm runs for its product, on aligned matrices, in its workspace, on a stream [5, 13, 21, 22]") {
  Call call;
  CHECK(says(call.run(), "an algorithm that is none"));
  call.choose();
  CHECK(call.run().faults.empty());
  CHECK(call.memory.at(128 + 14) == 7 * 0.25);
  CHECK(says(call.run(nullptr), "the legacy stream"));
  call.bytes = 3015;
  CHECK(says(call.run(), "a workspace of 3015 bytes"));
  call.bytes = 8192;
  call.workspace += 4;
  CHECK(says(call.run(), "aligned to 256"));
  call.workspace = nullptr;
  CHECK(says(call.run(), "aligned to 256"));
  call.workspace = call.x + 4032;  // of which 3016 bytes leave the block
  CHECK(says(call.run(), "the workspace of a product"));
  call.workspace = call.x + 1024;
  call.x += 4;
  CHECK(says(call.run(), "out of the alignment that the algorithm was chosen for"));
  call.x -= 4;
  Call other(6);
  other.chosen = call.chosen;
  CHECK(says(other.run(), "chosen for another product"));
  Seen elsewhere;
  std::thread([&] { elsewhere = call.run(); }).join();
  CHECK(says(elsewhere, "another thread's"));
  cublasLtMatrixLayoutDestroy(call.b);
  CHECK(says(call.run(), "one that was destroyed"));
  CHECK(says(seen([&] { cublasLtMatrixLayoutDestroy(call.b); }), "a descriptor destroyed that is none"));
}

TEST_CASE("alpha and beta that lie on the gpu, or are of another type, are refused [7]") {
  Call call;
  call.choose();
  CHECK(call.run().faults.empty());
  const auto run = [&](const void* alpha, const void* beta) {
    return seen([&] {
      cublasLtMatmul(call.handle, call.operation, alpha, call.x, call.a, call.x + 64, call.b, beta,
                     call.x + 128, call.c, call.x + 128, call.c, &call.chosen.algo, call.workspace,
                     call.bytes, gpu::stream());
    });
  };
  CHECK(says(run(call.x, &call.none), "alpha or beta on the gpu"));
  CHECK(says(run(&call.one, call.x), "alpha or beta on the gpu"));
  const double one = 1;
  alignas(4) const std::array<std::uint16_t, 2> one_in_f16{0x3C00, 0x3C00};
  CHECK(says(run(&one, &call.none), "alpha and beta that are not 1, and 0 or 1"));
  CHECK(says(run(&one_in_f16, &call.none), "alpha and beta that are not 1, and 0 or 1"));
  CHECK(says(run(&call.one, &one_in_f16), "alpha and beta that are not 1, and 0 or 1"));
  cublasLtMatmulDesc_t of_f64 = nullptr;
  CHECK(says(seen([&] { cublasLtMatmulDescCreate(&of_f64, CUBLAS_COMPUTE_32F, CUDA_R_64F); }),
             "alpha and beta that are not f32"));
}

TEST_CASE("a transpose is turned in memory, and only that is asked of the library's sums") {
  const Tensor x = Tensor::of({2, 3}, {1, 2, 3, 4, 5, 6}).to(Device::gpu);
  Tensor y = Tensor::empty({3, 2}, DType::f32, Device::gpu);
  cublas::transpose(2, 3, x.gpu_data<float>(), y.mutable_gpu_data<float>());
  CHECK(y.values() == std::vector<double>{1, 4, 2, 5, 3, 6});
  Call call;
  cublasLtMatrixTransformDesc_t turn = nullptr;
  cublasLtMatrixTransformDescCreate(&turn, CUDA_R_32F);
  CHECK(says(seen([&] {
               cublasLtMatrixTransform(call.handle, turn, &call.one, call.x, call.a, &call.none, nullptr,
                                       nullptr, call.x + 64, call.c, gpu::stream());
             }),
             "no transpose"));
}
