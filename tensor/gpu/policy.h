#pragma once

namespace sonograd::gpu {

// What sums and products on the gpu may lose for speed, for the whole program; set before the first op runs.
struct Policy {
  bool tf32 = false;              // products of f32 values rounded to 10 bits first, on tensor cores
  bool deterministic = true;      // equal inputs give equal bits, run after run
  bool cudnn_batch_norm = false;  // training's batch norms by cuDNN, not our kernels
  bool cudnn_attention = false;   // training's attention by cuDNN, where products are of 16 bits

  bool operator==(const Policy&) const = default;
};
inline Policy& policy() {
  static Policy the_policy;
  return the_policy;
}

}  // namespace sonograd::gpu
