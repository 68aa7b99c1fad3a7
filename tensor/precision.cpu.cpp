#include "tensor/precision.h"

#include "base/parallel.h"
#include "tensor/gpu/gpu.h"

namespace sonograd {
namespace {

constexpr Int grain = 16384;

SONOGRAD_CLONES void convert(Int n, const float* from, std::uint16_t* to) {
  for (Int i = 0; i < n; ++i) to[i] = Bfloat16::bits(from[i]);
}
template <class Type>
SONOGRAD_CLONES void round(Int n, const float* from, float* to) {
  for (Int i = 0; i < n; ++i) to[i] = Type::value(Type::bits(from[i]));
}

}  // namespace

bool has_bfloat16_products() {
  static const bool has = __builtin_cpu_supports("avx512bf16");
  return has;
}

Tensor rounded(const Tensor& x, Precision precision) {
  if (precision == Precision::full) return x;
  Tensor y = Tensor::empty(x.shape(), DType::f32, x.device());
  if (x.device() == Device::gpu) {
    gpu::round(x, precision, y);
    return y;
  }
  const Tensor dense = x.as_dense();
  const float* const from = dense.data<float>();
  float* const to = y.mutable_data<float>();
  with_16_bits(precision, [&](auto type) {
    parallel_for(x.elements(), grain,
                 [&](Int begin, Int end) { round<decltype(type)>(end - begin, from + begin, to + begin); });
  });
  return y;
}

std::unique_ptr<Storage> as_bfloat16(const Tensor& x) {
  expect(x.dense(), "only dense tensors are written as bfloat16");
  auto storage = std::make_unique<Storage>(x.elements() * Int{sizeof(std::uint16_t)});
  const float* const from = x.data<float>();
  auto* const to = static_cast<std::uint16_t*>(storage->data());
  parallel_for(x.elements(), grain,
               [&](Int begin, Int end) { convert(end - begin, from + begin, to + begin); });
  return storage;
}

}  // namespace sonograd
