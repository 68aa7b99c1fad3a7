#include "ops/attention/packed.h"
#include "tensor/gpu/launch.h"

namespace sonograd {
namespace {

template <class Type>
void round_each(Type, Int count, const float* from, std::uint16_t* to) {
  gpu::for_each(count, [=] __device__(Int i) { to[i] = Type::bits(from[i]); });
}
template <class Type>
void widen_each(Type, Int count, const std::uint16_t* from, float* to) {
  gpu::for_each(count, [=] __device__(Int i) { to[i] = Type::value(from[i]); });
}

}  // namespace

std::unique_ptr<Storage> packed(const Tensor& x, Precision precision) {
  auto made = std::make_unique<Storage>(2 * x.elements(), true);
  const float* const from = x.gpu_data<float>();
  auto* const to = static_cast<std::uint16_t*>(made->data());
  with_16_bits(precision, [&](auto type) { round_each(type, x.elements(), from, to); });
  return made;
}

void unpack(const Storage& source, Precision precision, Tensor& x) {
  const auto* const from = static_cast<const std::uint16_t*>(source.data());
  float* const to = x.mutable_gpu_data<float>();
  with_16_bits(precision, [&](auto type) { widen_each(type, x.elements(), from, to); });
}

}  // namespace sonograd
