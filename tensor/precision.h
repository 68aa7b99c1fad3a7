#pragma once
#include <bit>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/simd.h"
#include "tensor/tensor.h"

namespace sonograd {

// Of the factors of a product: as they are, or rounded to a type of 16 bits first. Sums and all else stay as
// they are.
enum class Precision { full, bf16, f16 };
constexpr const char* name_of(Precision precision) {
  return precision == Precision::bf16 ? "bf16" : precision == Precision::f16 ? "f16" : "f32";
}
inline Precision precision_named(std::string_view name) {
  for (const Precision precision : {Precision::full, Precision::bf16, Precision::f16})
    if (name == name_of(precision)) return precision;
  throw Error("no precision is called {}; there are f32, bf16 and f16", name);
}

// The types of 16 bits. Both round to the nearest number, ties to even, keep subnormals, and make infinities
// of what lies half a step or more beyond their largest number.

// The upper half of an f32: sign, exponent and 7 bits of the fraction.
struct Bfloat16 {
  SONOGRAD_INLINE static std::uint16_t bits(float x) {
    const auto all = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t nearest = (all + 0x7fff + (all >> 16 & 1)) >> 16, nan = all >> 16 | 0x40;
    return static_cast<std::uint16_t>((all & 0x7fffffff) > 0x7f800000 ? nan : nearest);
  }
  SONOGRAD_INLINE static float value(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

// IEEE's binary16: (-1)^s · 2^(e-15) · (1 + m/1024), with 5 bits of e and 10 of m; e = 0 is subnormal. Its
// largest number is 65504, its least 2^-24.
struct Float16 {
  SONOGRAD_INLINE static std::uint16_t bits(float x) {
    const auto all = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t size = all & 0x7fffffff;
    constexpr std::uint32_t rebias = (127 - 15) << 23, infinite = 0x7c00, nan = 0x7e00;
    const std::uint32_t normal = (size - rebias + 0xfff + (size >> 13 & 1)) >> 13;
    // The step of the numbers from 1/2 on is that of f16's subnormals, 2^-24: the sum is rounded to it.
    const float sum = std::bit_cast<float>(size) + 0.5F;
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(sum) - std::bit_cast<std::uint32_t>(0.5F);
    const std::uint32_t finite = size < 0x38800000 ? subnormal : normal;  // 2^-14
    const std::uint32_t some = size >= 0x47800000 ? infinite : finite;    // 2^16
    return static_cast<std::uint16_t>(all >> 16 & 0x8000) |
           static_cast<std::uint16_t>(size > 0x7f800000 ? nan : some);
  }
  SONOGRAD_INLINE static float value(std::uint16_t bits) {
    const std::uint32_t size = bits & 0x7fff, sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
    constexpr std::uint32_t rebias = (127 - 15) << 23;
    const std::uint32_t normal = (size << 13) + (size < 0x7c00 ? rebias : 2 * rebias);
    const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(size) * 0x1p-24F);
    return std::bit_cast<float>(sign | (size < 0x400 ? subnormal : normal));
  }
};

// f(Bfloat16{}) or f(Float16{}), where precision is one of theirs.
template <class F>
auto with_16_bits(Precision precision, F f) {
  return precision == Precision::bf16 ? f(Bfloat16{}) : f(Float16{});
}

// A factor of a product, f32 or f64, as the reference reads it; an f64 passes through f32.
template <class T>
T factor(Precision precision, T x) {
  if (precision == Precision::full) return x;
  return with_16_bits(
      precision, [x](auto type) { return static_cast<T>(type.value(type.bits(static_cast<float>(x)))); });
}

Tensor rounded(const Tensor& x, Precision precision);  // an f32 x, its values rounded, in f32

// On the cpu:
bool has_bfloat16_products();  // whether the processor multiplies them faster than f32
std::unique_ptr<Storage> as_bfloat16(const Tensor& x);  // of a dense f32 x: its values in row-major order

}  // namespace sonograd
