#pragma once
#include "tensor/gpu/cudnn_plan.h"
#include "tensor/precision.h"

// Attention as one graph of cuDNN's that never holds P in whole, told of without its header
// (tensor/gpu/cudnn_plan.h).
namespace sonograd::cudnn {

// All that a plan depends on beside the device. q, y and their gradients are dense [batch, queries,
// heads·size], k, v and theirs [batch, tokens, heads·size], of the 16 bits of `precision`; the statistics,
// log Σ_j exp(q·k_j/√size) of each query, dense f32 [batch, heads, queries].
struct FusedAttention {
  bool backward;
  Int batch, heads, queries, tokens, size;
  Precision precision = Precision::bf16;
  bool deterministic = true;  // false: dq may be summed in any order, in f32 of its own, faster

  std::vector<Int> key() const;
  std::string text() const;
};

// Compiled when it is made. Its heads must be of a multiple of 8 channels, of at most 128 to go back, on a
// GPU of compute capability 8.0 or more; else it finds no engine. The tensors of the forward graph are q, k,
// v, y and statistics, of which it writes the last two; that of backward writes dq, dk, dv and, in memory of
// the caller's, `along` (Σ dy·y of each query) and, unless deterministic, `sums` (dq in f32).
class AttentionPlan : public Plan {
 public:
  enum Part : Int { q = 1, k, v, y, statistics, dy, dq, dk, dv, along, sums, scale, one };
  AttentionPlan(const FusedAttention& attention, const Target& target);

  // Addresses of the device, all divisible by 16. See Plan.
  [[nodiscard]] bool run(void* handle, std::vector<std::pair<Int, void*>> tensors, void* workspace) const;

 private:
  bool backward;
  float scale_factor;
};

}  // namespace sonograd::cudnn
