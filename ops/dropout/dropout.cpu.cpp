#include "ops/dropout/dropout.h"
#include "base/parallel.h"
#include "base/philox_rounds.h"
#include "base/simd.h"

namespace sonograd {
namespace {

SONOGRAD_CLONES void scale_run(Int n, float factor, const float* x, float* y) {
  for (Int i = 0; i < n; ++i) y[i] = x[i] * factor;
}
SONOGRAD_CLONES void scale_add_run(Int n, float factor, const float* x, const float* shortcut, float* y) {
  for (Int i = 0; i < n; ++i) y[i] = x[i] * factor + shortcut[i];
}

// Four elements a block of random words: y = x · keep / (1 - rate) for the blocks from `first` on, of which
// `width` are drawn side by side, round by round: 0.7 of the time of one after the other.
SONOGRAD_CLONES void drop_blocks(Int blocks, Counter first, std::array<std::uint32_t, 2> key, float rate,
                                 float kept, const float* x, float* y) {
  constexpr Int width = 64;
  std::uint32_t words[4][width];
  for (Int begin = 0; begin < blocks; begin += width) {
    for (Int b = 0; b < width; ++b) {
      words[0][b] = first[0] + static_cast<std::uint32_t>(begin + b);
      for (std::size_t lane = 1; lane < 4; ++lane) words[lane][b] = first[lane];
    }
    std::array<std::uint32_t, 2> round_key = key;
    for (int round = 0; round < 10; ++round) {
      for (Int b = 0; b < width; ++b) {
        const Words next = philox_round({words[0][b], words[1][b], words[2][b], words[3][b]}, round_key);
        for (std::size_t lane = 0; lane < 4; ++lane) words[lane][b] = next[lane];
      }
      round_key = next_key(round_key);
    }
    for (Int b = 0; b < std::min(width, blocks - begin); ++b)
      for (Int lane = 0; lane < 4; ++lane) {
        const float u = static_cast<float>(static_cast<std::int32_t>(words[lane][b] >> 8)) * 0x1p-24f;
        const Int e = 4 * (begin + b) + lane;
        y[e] = x[e] * (u >= rate ? kept : 0.0f);
      }
  }
}

void drop_elements(const DropoutDraw& draw, Int n, Int first, Int last, const float* x, float* y) {
  const auto one = [&](Int e) { y[e] = x[e] * static_cast<float>(draw.factor(n, e)); };
  while (first < last && first % 4 != 0) one(first++);
  const Int blocks = (last - first) / 4;
  const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
  const auto high = [](std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); };
  const std::uint64_t step = draw.random.step(), key = draw.random.key();
  drop_blocks(blocks,
              {low(static_cast<std::uint64_t>(first / 4)),
               low(static_cast<std::uint64_t>(draw.first_sample + n)), low(step), high(step)},
              {low(key), high(key)}, static_cast<float>(draw.rate), static_cast<float>(1 / (1 - draw.rate)),
              x + first, y + first);
  for (Int e = first + 4 * blocks; e < last; ++e) one(e);
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
