#pragma once
#include <cstdint>

namespace sonograd::golden {

inline std::uint32_t mixed(std::uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  return h ^ (h >> 16);
}

// u(key, i) of scripts/golden_formula.py, in [0, 1)
inline double draw(std::uint32_t key, std::uint32_t i) {
  return mixed(i * 0x85EBCA77u + key * 0x9E3779B1u + 0x27D4EB2Fu) / 4294967296.0;
}

}  // namespace sonograd::golden
