#include "ops/dropout/dropout.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sonograd {
namespace {

SONOGRAD_CLONES void scale_run(Int n, float factor, const float* x, float* y) {
  for (Int i = 0; i < n; ++i) y[i] = x[i] * factor;
}
SONOGRAD_CLONES void scale_add_run(Int n, float factor, const float* x, const float* shortcut, float* y) {
  for (Int i = 0; i < n; ++i) y[i] = x[i] * factor + shortcut[i];
}

void drop_elements(const DropoutDraw& draw, Int n, Int first, Int last, const float* x, float* y) {
  const auto kept = static_cast<float>(1 / (1 - draw.rate));
  for (Int e = first; e < last;) {
    const auto block =
        static_cast<std::uint64_t>(draw.first_sample + n) << 32 | static_cast<std::uint64_t>(e / 4);
    const Words words = draw.random.words(block);
    for (Int lane = e % 4; lane < 4 && e < last; ++lane, ++e) {
      const float u = static_cast<float>(words[static_cast<std::size_t>(lane)] >> 8) * 0x1p-24f;
      y[e] = x[e] * (u >= static_cast<float>(draw.rate) ? kept : 0.0f);
    }
  }
}

// Calls f(sample, first, last) for pieces of samples, so that few large samples also use all threads.
template <class F>
void for_pieces(const Tensor& x, F f) {
  const Int samples = x.size(0), per_sample = samples == 0 ? 0 : x.elements() / samples;
  const Int pieces = std::max<Int>(1, std::min<Int>(16, per_sample / 4096));  // of one sample
  parallel_for(samples * pieces, std::max<Int>(1, 8192 / std::max<Int>(1, per_sample / pieces)),
               [&](Int begin, Int end) {
                 for (Int k = begin; k < end; ++k) {
                   const Int n = k / pieces, part = k % pieces;
                   f(n, n * per_sample, per_sample * part / pieces, per_sample * (part + 1) / pieces);
                 }
               });
}

void dropout_cpu(const Dropout& op, const Tensors& in, Tensors& out) {
  const float* const x = in[0].data<float>();
  float* const y = out[0].mutable_data<float>();
  for_pieces(in[0], [&](Int n, Int start, Int first, Int last) {
    if (op.draw.noise == Noise::per_sample)
      scale_run(last - first, static_cast<float>(op.draw.factor(n, 0)), x + start + first, y + start + first);
    else
      drop_elements(op.draw, n, first, last, x + start, y + start);
  });
}

void residual_add_cpu(const ResidualAdd& op, const Tensors& in, Tensors& out) {
  const float *const x = in[0].data<float>(), *const shortcut = in[1].data<float>();
  float* const y = out[0].mutable_data<float>();
  for_pieces(in[0], [&](Int n, Int start, Int first, Int last) {
    const Int at = start + first;
    scale_add_run(last - first, static_cast<float>(op.draw.factor(n, 0)), x + at, shortcut + at, y + at);
  });
}

}  // namespace

void register_dropout_cpu(Registry& registry) {
  registry.add_cpu<Dropout>(dropout_cpu);
  registry.add_cpu<ResidualAdd>(residual_add_cpu);
}

}  // namespace sonograd
