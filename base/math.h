#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/simd.h"

namespace sonograd {

// Formulas of elementwise functions are written once, over one of two arithmetics: Exact is the C library's
// (any type; the reference), Fast is branch-free f32 code that the compiler turns into vector instructions
// (the kernels of cpu and gpu; where a gpu has an instruction for it, that).
struct Exact {
  SONOGRAD_INLINE static auto exp(auto x) { return std::exp(x); }
  SONOGRAD_INLINE static auto tanh(auto x) { return std::tanh(x); }
  SONOGRAD_INLINE static auto erf(auto x) { return std::erf(x); }
  SONOGRAD_INLINE static auto log(auto x) { return std::log(x); }
  SONOGRAD_INLINE static auto sqrt(auto x) { return std::sqrt(x); }
  SONOGRAD_INLINE static auto reciprocal(auto x) { return decltype(x)(1) / x; }
};

// Every function is within 3 ulp of the true value for all x, and passes infinities and NaN on as
// the C library does; but exp gives 0 below -87.3 on the cpu, and reciprocal 0 beyond 2^126 on a gpu, where
// the true value is about to leave f32's normal range. The polynomials' coefficients but exp's are minimax
// fits.
struct Fast {
  // exp(x) = 2^n · e^r with n = round(x / ln 2) and |r| <= ln 2 / 2
  SONOGRAD_INLINE static float exp(float x) {
#ifdef __CUDA_ARCH__
    return ::expf(x);  // which the card has an instruction for, within 2 ulp
#else
    constexpr float round_magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
    constexpr float smallest = -87.3f, largest = 88.72283f;
    const float above = x > smallest ? x : smallest, bounded = above < largest ? above : largest;
    const float shifted = bounded * 1.44269504088896341f + round_magic, n = shifted - round_magic;
    float r = bounded - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    // The Taylor series to r^7, in pairs: a short chain of dependent steps.
    const float r2 = r * r;
    const float high = (1.0f / 24.0f + r * (1.0f / 120.0f)) + r2 * (1.0f / 720.0f + r * (1.0f / 5040.0f));
    const float p = (1.0f + r) + r2 * ((0.5f + r * (1.0f / 6.0f)) + r2 * high);
    // Times 2^n: n stands in the last bits of `shifted`, and is added to the exponent of p. At n = 128 p is
    // below 1.
    const std::uint32_t power = std::bit_cast<std::uint32_t>(shifted) << 23;
    const float y = std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + power);
    const float low = x < smallest ? 0.0f : y;
    return x <= largest ? low : x + INFINITY;  // infinity, or not-a-number as x is
#endif
  }

  // sign(x) times: t + t³·P(t²) for small t = |x|, 1 - 2 / (e^2t + 1) elsewhere
  SONOGRAD_INLINE static float tanh(float x) {
    const float size = std::abs(x), z = x * x;
    float p = -5.7170449536e-03f;
    p = p * z + 2.0650587218e-02f;
    p = p * z - 5.3743498064e-02f;
    p = p * z + 1.3331491287e-01f;
    p = p * z - 3.3333283925e-01f;
    const float near = size + size * z * p;
    const float far = 1.0f - 2.0f * reciprocal(exp(2.0f * size) + 1.0f);
    return std::copysign(size < 0.625f ? near : far, x);
  }

  // sign(x) times: t + t·P(t²) for small t = |x|, 1 - e^Q(t) elsewhere with Q the logarithm of 1 - erf; 1
  // beyond 4
  SONOGRAD_INLINE static float erf(float x) {
    const float size = std::abs(x), z = x * x;
    float p = -6.1112940978e-04f;
    p = p * z + 5.0162287820e-03f;
    p = p * z - 2.6781957193e-02f;
    p = p * z + 1.1282229969e-01f;
    p = p * z - 3.7612532446e-01f;
    p = p * z + 1.2837915530e-01f;
    const float near = size + size * p;
    const float t = size > 4.0f ? 4.0f : size;
    float q = 1.9821967144e-04f;
    q = q * t - 3.0654904379e-03f;
    q = q * t + 2.2315213502e-02f;
    q = q * t - 1.0411367940e-01f;
    q = q * t - 6.3697608274e-01f;
    q = q * t - 1.1277972427e+00f;
    q = q * t - 1.6644761104e-04f;
    const float far = 1.0f - exp(q);
    return std::copysign(size < 0.9f ? near : far, x);
  }

  // log(x) = e·ln 2 + log(1+f) with x = 2^e·(1+f) and 1+f in [√½, √2)
  SONOGRAD_INLINE static float log(float x) {
    constexpr std::uint32_t sqrt_half = 0x3f3504f3;
    const bool tiny = x < 1.17549435e-38f;  // subnormal: scaled into the normal range
    // Unsigned, as the bits of a negative x wrap round.
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(tiny ? x * 0x1p24f : x);
    const std::int32_t exponent = static_cast<std::int32_t>(bits - sqrt_half) >> 23;
    const float e = static_cast<float>(exponent) - (tiny ? 24.0f : 0.0f);
    const float f = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23)) - 1.0f;
    float p = -7.6344965297e-02f;
    p = p * f + 1.2761577045e-01f;
    p = p * f - 1.3160182396e-01f;
    p = p * f + 1.4201757999e-01f;
    p = p * f - 1.6623357344e-01f;
    p = p * f + 2.0001226876e-01f;
    p = p * f - 2.5000821034e-01f;
    p = p * f + 3.3333331708e-01f;
    const float tail = (p * f - 0.5f) * f * f - e * 2.12194440e-4f;
    const float y = e * 0.693359375f + (f + tail);
    const float low = x > 0.0f ? y : (x == 0.0f ? -INFINITY : NAN);
    return x < INFINITY ? low : x;  // infinity and not-a-number stay what they are
  }

  SONOGRAD_INLINE static float sqrt(float x) {
    return std::sqrt(x);
  }
  SONOGRAD_INLINE static float reciprocal(float x) {
#ifdef __CUDA_ARCH__
    return __fdividef(1.0f, x);  // within 2 ulp; the rounded quotient takes many instructions
#else
    return 1.0f / x;
#endif
  }
};

}  // namespace sonograd
