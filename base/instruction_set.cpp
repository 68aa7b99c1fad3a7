#include "base/instruction_set.h"

#include "base/simd.h"

namespace sonograd {

std::string instruction_set() {
#ifndef SONOGRAD_HAS_CLONES
  return "as compiled";
#else
#ifndef SONOGRAD_NO_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq"))
    return "x86-64-v4 (AVX-512)";
#endif
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "x86-64-v3 (AVX2)" : "x86-64";
#endif
}

}  // namespace sonograd
