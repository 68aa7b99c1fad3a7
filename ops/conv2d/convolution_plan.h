#pragma once
#include "ops/conv2d/convolution.h"
#include "tensor/gpu/cudnn_plan.h"

namespace sonograd {

// Convolutions on the gpu are plans of cuDNN's graph API. Here they are described without its header, so that
// a machine without a GPU can ask which plan each of a model's convolutions would get.
namespace cudnn {

// What products of f32's elements may lose. f32 takes no tensor cores, no transforms (Winograd, FFT) and no
// narrower type. rounded: the factors hold no more bits than the types of 16 do, all of which TF32 keeps, so
// that its tensor cores lose nothing; transforms would make other numbers of them. tf32 lets all round to 10
// bits.
enum class Arithmetic { f32, rounded, tf32 };

// Bytes of workspace that a plan may take unless told otherwise. With none, f32's gradients are left with one
// slow engine; the next doubling changes few choices.
constexpr Int workspace_limit = 64 << 20;

// All that a plan depends on beside the device. x and y are dense [n,height,width,channels], w is [out, kh,
// kw, in/groups] in memory ("KRSC"; of any other order cuDNN would read wrong numbers without a word), given
// here by the shape of ours, [kh,kw,in/groups,out].
struct Convolution {
  convolution::Direction direction;
  Conv2d conv;
  Shape x, w;
  Arithmetic arithmetic = Arithmetic::f32;
  bool deterministic = true;
  Int alignment = 16;  // bytes by which all three addresses divide: 16 or 4

  // Whether each tensor has at most 2^31 - 1 elements, as cuDNN takes no more.
  bool within_limit() const;
  std::vector<Int> key() const;
  std::string text() const;
};

class ConvolutionPlan : public Plan {
 public:
  // Workspace: the most that it may take, in bytes. Throws Error where the library refuses the convolution
  // itself.
  ConvolutionPlan(const Convolution& convolution, const Target& target, Int workspace);

  // Pointers of the device; writes that of x, w and y which the direction names. See Plan.
  [[nodiscard]] bool run(void* handle, void* x, void* w, void* y, void* workspace) const;
};

}  // namespace cudnn
}  // namespace sonograd
