#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/int.h"

namespace sonograd {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"):
// four random words as a pure function of a 128-bit counter and a 64-bit key.
using Counter = std::array<std::uint32_t, 4>;
using Words = std::array<std::uint32_t, 4>;
Words philox(Counter counter, std::array<std::uint32_t, 2> key);

// A named stream of random numbers: every draw is a pure function of (seed, purpose, step, index), so a draw
// needs no state, is repeated by asking again, and does not depend on the order or number of other draws.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::string_view purpose = "");

  Random stream(std::string_view purpose) const;  // an independent stream: Random(seed).stream("dropout")
  Random at(std::uint64_t step) const;            // the same stream at another step

  Words words(std::uint64_t index) const;
  double uniform(std::uint64_t index) const;  // [0, 1), 53 bits
  double normal(std::uint64_t index) const;   // Box-Muller
  std::array<double, 2> normals(
      std::uint64_t index) const;                      // both of Box-Muller's; the first is normal(index)
  double truncated_normal(std::uint64_t index) const;  // standard deviation 1 before truncation, within ±2
  Int below(Int bound, std::uint64_t index) const;     // 0 … bound-1, without bias beyond 2^-64

  std::uint64_t key() const { return key_; }
  std::uint64_t step() const { return step_; }

 private:
  std::uint64_t key_ = 0;  // seed and purpose, mixed
  std::uint64_t step_ = 0;
};

}  // namespace sonograd
