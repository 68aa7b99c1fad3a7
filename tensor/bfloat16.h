#pragma once
#include <bit>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace sonograd {

// Of the factors of a product: as they are, or rounded to bfloat16 first. Sums and all else stay as they are.
enum class Precision { full, bf16 };
inline Precision precision_named(std::string_view name) {
  expect(name == "f32" || name == "bf16", "no precision is called {}; there are f32 and bf16", name);
  return name == "bf16" ? Precision::bf16 : Precision::full;
}

// bfloat16 is the upper half of an f32: sign, exponent and 7 bits of the fraction. Rounds to the nearest,
// ties to even.
SONOGRAD_INLINE std::uint16_t to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, nan = bits >> 16 | 0x40;
  return static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan : nearest);
}
SONOGRAD_INLINE float from_bfloat16(std::uint16_t x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16);
}

// A factor of a product, f32 or f64, as the reference reads it; an f64 passes through f32.
template <class T>
T factor(Precision precision, T x) {
  return precision == Precision::full ? x : static_cast<T>(from_bfloat16(to_bfloat16(static_cast<float>(x))));
}

Tensor rounded_to_bfloat16(const Tensor& x);  // an f32 x, its values rounded, in f32

// On the cpu:
bool has_bfloat16_products();  // whether the processor multiplies them faster than f32
std::unique_ptr<Storage> as_bfloat16(const Tensor& x);  // of a dense f32 x: its values in row-major order

}  // namespace sonograd
