#pragma once
#include <cuda_runtime.h>

// Of CUDA's runtime what one file alone calls (tensor/gpu/memory.gpu.cpp).
cudaError_t cudaMemsetAsync(void* first, int byte, std::size_t bytes, cudaStream_t stream);
