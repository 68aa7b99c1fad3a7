#pragma once
#include "base/simd.h"
#include "tensor/shape.h"

namespace sonograd {

// A row-major number in rows of so many columns.
struct Place {
  Int row, column;
};

// Division by a number that is known before a loop. Of numbers below 2^31 it is a product and a shift, for a
// gpu has no instruction that divides: n / d = floor(n·f / 2^(31+s)) with 2^(s-1) < d <= 2^s and f =
// ceil(2^(31+s) / d), which is exact, as n·(f·d − 2^(31+s)) < 2^31 · 2^s (Granlund & Montgomery 1994).
class Divisor {
 public:
  Divisor() : Divisor(1) {}
  explicit Divisor(Int divisor) : divisor(divisor) {
    if (divisor <= 0 || divisor > below) return;  // nothing is divided by 0, and factor 0 gives n / d = 0
    while (Int{1} << shift < divisor) ++shift;
    shift += 31;
    factor = static_cast<std::uint32_t>(((std::uint64_t{1} << shift) - 1) / as_unsigned(divisor) + 1);
  }

  SONOGRAD_INLINE Int size() const { return divisor; }
  SONOGRAD_INLINE Place operator()(Int number) const {
    const Int row =
        number < below ? static_cast<Int>(as_unsigned(number) * factor >> shift) : number / divisor;
    return {row, number - row * divisor};
  }

 private:
  static constexpr Int below = Int{1} << 31;
  SONOGRAD_INLINE static std::uint64_t as_unsigned(Int n) { return static_cast<std::uint32_t>(n); }

  Int divisor;
  std::uint32_t factor = 0;
  int shift = 0;
};

}  // namespace sonograd
