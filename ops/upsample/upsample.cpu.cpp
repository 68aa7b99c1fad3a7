#include <algorithm>

#include "base/parallel.h"
#include "base/simd.h"
#include "ops/upsample/upsample.h"

namespace sonograd {
namespace {

// One row of cells: each channel vector of x is written k times.
void spread_row(Int width, Int channels, Int k, const float* x, float* y) {
  for (Int j = 0; j < width; ++j, x += channels)
    for (Int v = 0; v < k; ++v, y += channels) std::copy(x, x + channels, y);
}

// One row of cells: dx += the sums of k neighbours of dy.
SONOGRAD_CLONES void gather_row(Int width, Int channels, Int k, const float* dy, float* dx) {
  for (Int j = 0; j < width; ++j, dx += channels)
    for (Int v = 0; v < k; ++v, dy += channels)
      for (Int c = 0; c < channels; ++c) dx[c] += dy[c];
}

void upsample_cpu(const Upsample& op, const Tensors& in, Tensors& out) {
  const Int k = op.factor, width = in[0].size(2), channels = in[0].size(3), row = width * channels;
  const float* const x = in[0].data<float>();
  float* const y = out[0].mutable_data<float>();
  parallel_for(in[0].size(0) * in[0].size(1), 8192 / std::max<Int>(1, row), [&](Int begin, Int end) {
    for (Int r = begin; r < end; ++r) {
      float* const first = y + r * k * k * row;
      spread_row(width, channels, k, x + r * row, first);
      for (Int u = 1; u < k; ++u) std::copy(first, first + k * row, first + u * k * row);
    }
  });
}

void upsample_grad_cpu(const UpsampleGrad& op, const Tensors& in, Tensors& out) {
  const Int k = op.factor, width = out[0].size(2), channels = out[0].size(3), row = width * channels;
  const float* const dy = in[0].data<float>();
  float* const dx = out[0].mutable_data<float>();
  parallel_for(out[0].size(0) * out[0].size(1), 8192 / std::max<Int>(1, row), [&](Int begin, Int end) {
    for (Int r = begin; r < end; ++r) {
      std::fill(dx + r * row, dx + (r + 1) * row, 0.0f);
      for (Int u = 0; u < k; ++u) gather_row(width, channels, k, dy + (r * k + u) * k * row, dx + r * row);
    }
  });
}

}  // namespace

void register_upsample_cpu(Registry& registry) {
  registry.add_cpu<Upsample>(upsample_cpu);
  registry.add_cpu<UpsampleGrad>(upsample_grad_cpu);
}

}  // namespace sonograd
