#pragma once
#include "base/philox.h"
#include "base/simd.h"

namespace sonograd {

// philox() as code to be compiled into a kernel's loop over counters, which the compiler then vectorises.
SONOGRAD_INLINE Words philox_round(Counter counter, std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;  // Salmon et al. 2011, table 2
  const std::uint64_t product0 = multiplier0 * counter[0];
  const std::uint64_t product1 = multiplier1 * counter[2];
  return {
      static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
      static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
}

SONOGRAD_INLINE std::array<std::uint32_t, 2> next_key(std::array<std::uint32_t, 2> key) {
  constexpr std::uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
  return {key[0] + weyl0, key[1] + weyl1};
}

SONOGRAD_INLINE Words philox_rounds(Counter counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    counter = philox_round(counter, key);
    key = next_key(key);
  }
  return counter;
}

}  // namespace sonograd
