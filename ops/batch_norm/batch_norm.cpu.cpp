#include "base/parallel.h"
#include "ops/batch_norm/frozen.h"
#include "ops/batch_norm/pitch.h"

namespace sonograd {
namespace {

// Rows of C floats, of which those of x may lie apart (pitch), as in a dense block's buffer; cut into one
// piece a thread and, within it, into blocks that stay in the first caches while they are read twice. Sums
// are f32 within a block and f64 over blocks and pieces, in a fixed order.
struct Rows {
  Int count, channels, pitch;
  // counted once, as it depends on where it is asked: within a parallel region there may be other threads
  Int pieces = std::clamp<Int>(std::min(count, count* channels / 16384), 1, threads());

  Int block() const { return std::clamp<Int>(16384 / channels, 16, 256); }

  // f(piece, first row, number of rows) for each block. A second sweep goes backwards: the last rows of the
  // first are still in the cache.
  template <class F>
  void forward(F f) const {
    parallel_for(pieces, 1, [&](Int first, Int last) {
      for (Int piece = first; piece < last; ++piece) {
        const Int end = count * (piece + 1) / pieces;
        for (Int r = count * piece / pieces; r < end; r += block()) f(piece, r, std::min(block(), end - r));
      }
    });
  }
  template <class F>
  void backward(F f) const {
    parallel_for(pieces, 1, [&](Int first, Int last) {
      for (Int piece = first; piece < last; ++piece) {
        const Int begin = count * piece / pieces;
        for (Int end = count * (piece + 1) / pieces; end > begin; end -= block()) {
          const Int r = std::max(begin, end - block());
          f(r, end - r);
        }
      }
    });
  }
};

Rows rows_of(const Tensor& x) {
  return {x.elements() / x.size(-1), x.size(-1), pitch_of(x)};
}

// One f64 value per piece, kind and channel.
struct Sums {
  Int channels;
  std::vector<double> values;
  Sums(const Rows& rows, Int kinds)
      : channels(rows.channels), values(static_cast<std::size_t>(rows.pieces * kinds * channels), 0.0) {}
  double* at(Int number) { return values.data() + number * channels; }
};

// first[c] += Σ_r term(c,r).first and second likewise; four rows at a time, so that the sums are seldom
// stored.
struct Both {
  float first, second;
};
template <class Term>
SONOGRAD_INLINE void add_rows(Int rows, Int channels, Term term, float* __restrict first,
                              float* __restrict second) {
  Int r = 0;
  for (; r + 4 <= rows; r += 4)
    for (Int c = 0; c < channels; ++c) {
      const Both p = term(c, r), q = term(c, r + 1), s = term(c, r + 2), t = term(c, r + 3);
      first[c] += (p.first + q.first) + (s.first + t.first);
      second[c] += (p.second + q.second) + (s.second + t.second);
    }
  for (; r < rows; ++r)
    for (Int c = 0; c < channels; ++c) {
      const Both p = term(c, r);
      first[c] += p.first;
      second[c] += p.second;
    }
}

// The statistics of a block join those of the rows before it (Chan, Golub & LeVeque 1979):
// shift = block mean in f32, M = Σ(x − shift)² − (Σ(x − shift))²/n.
SONOGRAD_CLONES void add_statistics(Int rows, Int channels, Int pitch, const float* x, double rows_before,
                                    float* __restrict work, double* __restrict mean, double* __restrict m) {
  float *shift = work, *first = work + channels, *second = work + 2 * channels;
  for (Int c = 0; c < 3 * channels; ++c) work[c] = 0;
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < channels; ++c) shift[c] += x[r * pitch + c];
  const float one_over_rows = 1.0f / static_cast<float>(rows);
  for (Int c = 0; c < channels; ++c) shift[c] *= one_over_rows;
  add_rows(
      rows, channels,
      [=](Int c, Int r) __attribute__((always_inline)) {
        const float centred = x[r * pitch + c] - shift[c];
        return Both{centred, centred * centred};
      },
      first, second);
  const double n = static_cast<double>(rows), all = rows_before + n;
  for (Int c = 0; c < channels; ++c) {
    const double rest = first[c] / n, delta = shift[c] + rest - mean[c];
    mean[c] += delta * (n / all);
    m[c] += second[c] - first[c] * rest + delta * delta * (rows_before * n / all);
  }
}

// z = (x − mean)·scale + beta: the difference first, as x may be far from 0.
struct Affine {
  const float *mean, *scale, *beta;
};

// y may be x.
template <class A>
SONOGRAD_CLONES void normalise(Int rows, Int channels, Int pitch, const float* x, Affine p, float* y) {
  for (Int r = 0; r < rows; ++r, x += pitch, y += channels)
#pragma omp simd
    for (Int c = 0; c < channels; ++c) y[c] = A{}.f(Fast{}, (x[c] - p.mean[c]) * p.scale[c] + p.beta[c]);
}

// dbeta[c] += Σ dz, product[c] += Σ dz·(x − mean)
template <class A>
SONOGRAD_CLONES void add_gradient_sums(Int rows, Int channels, Int pitch, const float* x, const float* dy,
                                       Affine p, float* __restrict work, double* __restrict dbeta,
                                       double* __restrict product) {
  float *first = work, *second = work + channels;
  for (Int c = 0; c < 2 * channels; ++c) work[c] = 0;
  add_rows(
      rows, channels,
      [=](Int c, Int r) __attribute__((always_inline)) {
        const float centred = x[r * pitch + c] - p.mean[c];
        const float dz = A{}.df(Fast{}, centred * p.scale[c] + p.beta[c]) * dy[r * channels + c];
        return Both{dz, dz * centred};
      },
      first, second);
  for (Int c = 0; c < channels; ++c) {
    dbeta[c] += first[c];
    product[c] += second[c];
  }
}

// dx = scale·dz − constant − slope·(x − mean)
template <class A>
SONOGRAD_CLONES void input_gradient(Int rows, Int channels, Int pitch, const float* x, const float* dy,
                                    Affine p, const float* constant, const float* slope,
                                    float* __restrict dx) {
  for (Int r = 0; r < rows; ++r, x += pitch, dy += channels, dx += channels)
    for (Int c = 0; c < channels; ++c) {
      const float centred = x[c] - p.mean[c];
      const float dz = A{}.df(Fast{}, centred * p.scale[c] + p.beta[c]) * dy[c];
      dx[c] = p.scale[c] * dz - constant[c] - slope[c] * centred;
    }
}

template <class A>
SONOGRAD_CLONES void frozen_input_gradient(Int rows, Int channels, Int pitch, const float* x, const float* dy,
                                           Affine p, float* __restrict dx) {
  for (Int r = 0; r < rows; ++r, x += pitch, dy += channels, dx += channels)
    for (Int c = 0; c < channels; ++c)
      dx[c] = p.scale[c] * A{}.df(Fast{}, (x[c] - p.mean[c]) * p.scale[c] + p.beta[c]) * dy[c];
}

// γ/√(σ² + ε) of each channel; with γ left out, 1/√(σ² + ε).
std::vector<float> scales(Int channels, const float* gamma, const float* variance, double epsilon) {
  std::vector<float> scale(static_cast<std::size_t>(channels));
  for (Int c = 0; c < channels; ++c)
    scale[static_cast<std::size_t>(c)] =
        static_cast<float>((gamma ? gamma[c] : 1.0) / std::sqrt(variance[c] + epsilon));
  return scale;
}

void train(const BatchNormTrain& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Rows rows = rows_of(in[0]);
  const Int channels = rows.channels;
  const float *x = in[0].data<float>(), *gamma = in[1].data<float>(), *beta = in[2].data<float>();
  float *y = out[0].mutable_data<float>(), *mean = out[1].mutable_data<float>(),
        *variance = out[2].mutable_data<float>();
  Sums means(rows, 1), squares(rows, 1);
  std::vector<double> counts(static_cast<std::size_t>(rows.pieces), 0.0);
  std::vector<float> work(static_cast<std::size_t>(rows.pieces * 3 * channels));
  rows.forward([&](Int piece, Int r, Int n) {
    double& count = counts[static_cast<std::size_t>(piece)];
    add_statistics(n, channels, rows.pitch, x + r * rows.pitch, count, work.data() + piece * 3 * channels,
                   means.at(piece), squares.at(piece));
    count += static_cast<double>(n);
  });
  double before = counts[0];
  for (Int piece = 1; piece < rows.pieces; ++piece) {
    const double n = counts[static_cast<std::size_t>(piece)], all = before + n;
    for (Int c = 0; c < channels; ++c) {
      const double delta = means.at(piece)[c] - means.at(0)[c];
      means.at(0)[c] += delta * (n / all);
      squares.at(0)[c] += squares.at(piece)[c] + delta * delta * (before * n / all);
    }
    before = all;
  }
  for (Int c = 0; c < channels; ++c) {
    mean[c] = static_cast<float>(means.at(0)[c]);
    variance[c] = static_cast<float>(squares.at(0)[c] / static_cast<double>(rows.count));
  }
  const std::vector<float> scale = scales(channels, gamma, variance, op.epsilon);
  with_activation(op.activation, [&](auto a) {
    rows.backward([&](Int r, Int n) {
      normalise<decltype(a)>(n, channels, rows.pitch, x + r * rows.pitch, {mean, scale.data(), beta},
                             y + r * channels);
    });
  });
}

// dgamma and dbeta of either mode. Inputs: x, gamma, beta, mean, variance, dy.
template <class A>
void parameter_gradients(double epsilon, const Tensors& in, const float* scale, float* dgamma, float* dbeta) {
  const Rows rows = rows_of(in[0]);
  const Int channels = rows.channels;
  const float *x = in[0].data<float>(), *dy = in[5].data<float>();
  const Affine affine{in[3].data<float>(), scale, in[2].data<float>()};
  Sums sums(rows, 2);
  std::vector<float> work(static_cast<std::size_t>(rows.pieces * 2 * channels));
  rows.forward([&](Int piece, Int r, Int n) {
    add_gradient_sums<A>(n, channels, rows.pitch, x + r * rows.pitch, dy + r * channels, affine,
                         work.data() + piece * 2 * channels, sums.at(2 * piece), sums.at(2 * piece + 1));
  });
  for (Int piece = 1; piece < rows.pieces; ++piece)
    for (Int c = 0; c < 2 * channels; ++c) sums.at(0)[c] += sums.at(2 * piece)[c];
  const float* variance = in[4].data<float>();
  for (Int c = 0; c < channels; ++c) {
    dbeta[c] = static_cast<float>(sums.at(0)[c]);
    dgamma[c] = static_cast<float>(sums.at(1)[c] / std::sqrt(variance[c] + epsilon));
  }
}

void train_grad(const BatchNormTrainGrad& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Rows rows = rows_of(in[0]);
  const Int channels = rows.channels;
  const float *x = in[0].data<float>(), *dy = in[5].data<float>(), *mean = in[3].data<float>(),
              *variance = in[4].data<float>();
  float *dx = out[0].mutable_data<float>(), *dgamma = out[1].mutable_data<float>(),
        *dbeta = out[2].mutable_data<float>();
  const std::vector<float> scale = scales(channels, in[1].data<float>(), variance, op.epsilon);
  std::vector<float> constant = scale, slope = scales(channels, nullptr, variance, op.epsilon);
  const Affine affine{mean, scale.data(), in[2].data<float>()};
  with_activation(op.activation, [&](auto a) {
    using A = decltype(a);
    parameter_gradients<A>(op.epsilon, in, scale.data(), dgamma, dbeta);
    const float n = static_cast<float>(rows.count);
    for (Int c = 0; c < channels; ++c) {
      const std::size_t i = static_cast<std::size_t>(c);
      constant[i] *= dbeta[c] / n;
      slope[i] *= scale[i] * dgamma[c] / n;
    }
    rows.backward([&](Int r, Int n_rows) {
      const Int i = r * channels;
      input_gradient<A>(n_rows, channels, rows.pitch, x + r * rows.pitch, dy + i, affine, constant.data(),
                        slope.data(), dx + i);
    });
  });
}

void frozen(const BatchNormFrozen& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Rows rows = rows_of(in[0]);
  const Int channels = rows.channels;
  const float* x = in[0].data<float>();
  float* y = out[0].mutable_data<float>();
  const std::vector<float> scale = scales(channels, in[1].data<float>(), in[4].data<float>(), op.epsilon);
  const Affine affine{in[3].data<float>(), scale.data(), in[2].data<float>()};
  with_activation(op.activation, [&](auto a) {
    rows.forward([&](Int, Int r, Int n) {
      normalise<decltype(a)>(n, channels, rows.pitch, x + r * rows.pitch, affine, y + r * channels);
    });
  });
}

void frozen_grad_x(const BatchNormFrozenGradX& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Rows rows = rows_of(in[0]);
  const Int channels = rows.channels;
  const float *x = in[0].data<float>(), *dy = in[5].data<float>();
  float* dx = out[0].mutable_data<float>();
  const std::vector<float> scale = scales(channels, in[1].data<float>(), in[4].data<float>(), op.epsilon);
  const Affine affine{in[3].data<float>(), scale.data(), in[2].data<float>()};
  with_activation(op.activation, [&](auto a) {
    rows.forward([&](Int, Int r, Int n) {
      const Int i = r * channels;
      frozen_input_gradient<decltype(a)>(n, channels, rows.pitch, x + r * rows.pitch, dy + i, affine, dx + i);
    });
  });
}

void frozen_grad_parameters(const BatchNormFrozenGradParameters& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const std::vector<float> scale =
      scales(in[0].size(-1), in[1].data<float>(), in[4].data<float>(), op.epsilon);
  with_activation(op.activation, [&](auto a) {
    parameter_gradients<decltype(a)>(op.epsilon, in, scale.data(), out[0].mutable_data<float>(),
                                     out[1].mutable_data<float>());
  });
}

}  // namespace

void register_batch_norm_cpu(Registry& registry) {
  registry.add_cpu<BatchNormTrain>(train, Layout::strided);
  registry.add_cpu<BatchNormTrainGrad>(train_grad, Layout::strided);
  registry.add_cpu<BatchNormFrozen>(frozen, Layout::strided);
  registry.add_cpu<BatchNormFrozenGradX>(frozen_grad_x, Layout::strided);
  registry.add_cpu<BatchNormFrozenGradParameters>(frozen_grad_parameters, Layout::strided);
}

}  // namespace sonograd
