#include "base/philox_rounds.h"
#include "ops/dropout/dropout.h"
#include "tensor/gpu/launch_fours.h"
#include "tensor/gpu/numbers.h"

namespace sonograd {
namespace {

// DropoutDraw's factors, four neighbouring elements of a sample at a time.
struct Draw {
  std::uint64_t key, step, first_sample;
  float rate, kept;
  bool per_sample;
  const gpu::StepNumbers* live;  // in place of step and first_sample, where there are any

  explicit Draw(const DropoutDraw& draw)
      : key(draw.random.key()),
        step(draw.random.step()),
        first_sample(static_cast<std::uint64_t>(draw.first_sample)),
        rate(static_cast<float>(draw.rate)),
        kept(static_cast<float>(1 / (1 - draw.rate))),
        per_sample(draw.noise == Noise::per_sample),
        live(gpu::live_draw(step, first_sample)) {}

  SONOGRAD_INLINE Words words(Int sample, Int block) const {
    const std::uint64_t first = live ? live->first_sample : first_sample, at = live ? live->step : step;
    const auto low = static_cast<std::uint32_t>(per_sample ? 0 : block);
    const auto high = static_cast<std::uint32_t>(first + static_cast<std::uint64_t>(sample));
    return philox_rounds({low, high, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32)},
                         {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
  }
  SONOGRAD_INLINE float factor(const Words& words, std::size_t k) const {
    const std::uint32_t word = per_sample ? words[0] : words[k];
    return static_cast<float>(word >> 8) * 0x1p-24F >= rate ? kept : 0.0F;
  }
};

// y = x · factor + shortcut, where there is one
void drop(const DropoutDraw& from, const Tensor& in, const Tensor* beside, Tensor& out) {
  const Draw draw(from);
  const Int samples = in.size(0), per_sample = in.elements() / std::max<Int>(1, samples);
  const Divisor blocks((per_sample + 3) / 4);
  const float *const x = in.gpu_data<float>(), *const shortcut = beside ? beside->gpu_data<float>() : nullptr;
  float* const y = out.mutable_gpu_data<float>();
  if (gpu::in_fours(per_sample, x, shortcut, y)) {
    gpu::for_each(samples * blocks.size(), [=] __device__(Int k) {
      const gpu::Four four = gpu::fours(x)[k], beside = shortcut ? gpu::fours(shortcut)[k] : gpu::Four{};
      const Place at = blocks(k);
      const Words words = draw.words(at.row, at.column);
      gpu::Four dropped;
      for (std::size_t e = 0; e < 4; ++e) {
        dropped.of[e] = four.of[e] * draw.factor(words, e);
        if (shortcut) dropped.of[e] += beside.of[e];
      }
      gpu::fours(y)[k] = dropped;
    });
    return;
  }
  gpu::for_each(samples * blocks.size(), [=] __device__(Int k) {
    const Place at = blocks(k);
    const Words words = draw.words(at.row, at.column);
    for (std::size_t k = 0; k < 4; ++k) {
      const Int e = 4 * at.column + static_cast<Int>(k), i = at.row * per_sample + e;
      if (e >= per_sample) continue;
      const float dropped = x[i] * draw.factor(words, k);
      y[i] = shortcut ? dropped + shortcut[i] : dropped;
    }
  });
}

}  // namespace

void register_dropout_gpu(Registry& registry) {
  registry.add_gpu<Dropout>(
      [](const Dropout& op, const Tensors& in, Tensors& out) { drop(op.draw, in[0], nullptr, out[0]); });
  registry.add_gpu<ResidualAdd>(
      [](const ResidualAdd& op, const Tensors& in, Tensors& out) { drop(op.draw, in[0], &in[1], out[0]); });
}

}  // namespace sonograd
