#pragma once
#include <cstdint>

#include "tensor/tensor.h"

namespace sonograd::gpu {

// What differs from update to update. A graph repeats its launches with the arguments that they were recorded
// with, so kernels of a recorded update read these from the gpu's memory.
struct StepNumbers {
  std::uint64_t step = 0, first_sample = 0;  // by which dropout draws
  float rate = 0;                            // the optimizer's, its corrections included
  std::int32_t finite = 1;  // 0: the loss or a gradient is not, and the update changes nothing
};

// The numbers there. While a scope lives, the kernels that its thread launches read them.
class LiveNumbers {
 public:
  LiveNumbers() : block(sizeof(StepNumbers), true) {}
  void set(const StepNumbers& numbers);  // for all launches after it
  void expect_finite(const Tensor& x);   // of f32 or f64: clears `finite` where an element is not finite

  class Scope {
   public:
    explicit Scope(const LiveNumbers& numbers);
    ~Scope();  // NOLINT(performance-trivially-destructible): with CUDA it puts back what was before
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    [[maybe_unused]] const LiveNumbers* before;  // unused in a build without CUDA
  };

  const StepNumbers& on_host() const { return host; }
  StepNumbers* on_gpu() const { return static_cast<StepNumbers*>(block.data()); }

 private:
  Storage block;
  StepNumbers host;
};

// For those who launch kernels: the numbers' address on the gpu, null outside of a scope. Throws Error where
// the op was given others than the update's: those a graph would freeze.
const StepNumbers* live_draw(std::uint64_t step, std::uint64_t first_sample);
const StepNumbers* live_rate(float rate);
const StepNumbers* live_numbers();

}  // namespace sonograd::gpu
