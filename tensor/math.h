#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/simd.h"

namespace sonograd {

// Formulas of elementwise functions are written once, over one of two arithmetics: Exact is the C library's
// (any type; the reference), Fast is branch-free f32 code that the compiler turns into vector instructions
// (the cpu kernels).
struct Exact {
  static auto exp(auto x) { return std::exp(x); }
  static auto tanh(auto x) { return std::tanh(x); }
  static auto erf(auto x) { return std::erf(x); }
  static auto log(auto x) { return std::log(x); }
};

struct Fast {
  // exp(x) = 2^n · e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; relative error below 2 ulp. Below -87.3
  // it gives 0, above 88.7 infinity.
  SONOGRAD_INLINE static float exp(float x) {
    constexpr float round_magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
    const float bounded = x < -87.0f ? -87.0f : (x > 88.7f ? 88.7f : x);
    const float n = (bounded * 1.44269504088896341f + round_magic) - round_magic;
    float r = bounded - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    // Two factors, as 2^n alone leaves the range of f32 at n = 128.
    const std::int32_t half = static_cast<std::int32_t>(n) / 2, rest = static_cast<std::int32_t>(n) - half;
    const float y = p * std::bit_cast<float>((half + 127) << 23) * std::bit_cast<float>((rest + 127) << 23);
    const float low = x < -87.3f ? 0.0f : y;
    return x > 88.72f ? INFINITY : low;
  }
};

}  // namespace sonograd
