#pragma once
#include "tensor/shape.h"

namespace sonograd {

// The host's memory for tensors and for what kernels need besides: one arena of blocks, first fit with
// coalescing, whose pages stay with the process. A training step asks for the same blocks as the one before
// it, so after the first no page is faulted in again. The gpu's is told of in gpu/gpu.h.
namespace pool {

constexpr Int alignment = 64;  // bytes; a cache line and an AVX-512 register

// Throws OutOfMemory where the machine's memory and swap do not hold it beside what lives already.
void* allocate(Int bytes);
void release(void* block, Int bytes) noexcept;

Int live_bytes();
Int peak_bytes();
void reset_peak();

}  // namespace pool
}  // namespace sonograd
