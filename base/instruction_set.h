#pragma once
#include <string>

namespace sonograd {

// Which of the kernels' clones (base/simd.h) run on this machine: "x86-64-v4 (AVX-512)", "x86-64-v3 (AVX2)"
// or "x86-64"; where the compiler made none, "as compiled".
std::string instruction_set();

}  // namespace sonograd
