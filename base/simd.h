#pragma once

// Kernels of ours are compiled for AVX-512, AVX2 and plain x86-64, and the machine's best is chosen at run
// time. Write
//   SONOGRAD_CLONES void kernel(Int n, const float* x, float* y) { for (…) … }
// as a plain loop that the compiler vectorises, outside of any OpenMP region (call it from one). What it
// calls must be SONOGRAD_INLINE to be compiled with it. Templates may be cloned by g++ alone, so that clang
// compiles plain x86-64. -DSONOGRAD_NO_AVX512 leaves AVX-512 out, to measure what a machine without it does.
#if defined(SONOGRAD_SANITIZED) || !defined(__x86_64__) || defined(__clang__)
#define SONOGRAD_CLONES
#elif defined(SONOGRAD_NO_AVX512)
#define SONOGRAD_HAS_CLONES
#define SONOGRAD_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define SONOGRAD_HAS_CLONES
#define SONOGRAD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

// The same code for a GPU's kernels (tensor/gpu/launch.h), where nvcc compiles it.
#ifdef __CUDACC__
#define SONOGRAD_INLINE __host__ __device__ __forceinline__
#else
#define SONOGRAD_INLINE [[gnu::always_inline]] inline
#endif
