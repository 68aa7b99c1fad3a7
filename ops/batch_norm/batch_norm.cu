#include "ops/batch_norm/by_cudnn.h"
#include "ops/batch_norm/frozen.h"
#include "ops/batch_norm/pitch.h"
#include "tensor/gpu/launch_columns.h"

namespace sonograd {
namespace {

// x and what its rows are normalised with, a value per channel: z = (x − mean)·scale + beta, the difference
// first, as x may be far from 0.
struct Rows {
  Int count, channels, pitch;
  const float *x, *mean, *scale, *beta;

  // Of one channel.
  struct Column {
    const float* x;
    Int pitch;
    float mean, scale, beta;
    SONOGRAD_INLINE float centred(Int r) const { return x[r * pitch] - mean; }
    SONOGRAD_INLINE float z(float centred) const { return centred * scale + beta; }
  };
  SONOGRAD_INLINE Column column(Int c) const { return {x + c, pitch, mean[c], scale[c], beta[c]}; }
};

Rows rows_of(const Tensors& in, const Tensor& mean, const Tensor& scale) {
  const Tensor& x = in[0];
  return {x.elements() / x.size(-1),
          x.size(-1),
          pitch_of(x),
          x.gpu_data<float>(),
          mean.gpu_data<float>(),
          scale.gpu_data<float>(),
          in[2].gpu_data<float>()};
}

// scale[c] = γ/√(σ² + ε)
Tensor scales(const Tensor& gamma, const Tensor& variance, double epsilon) {
  Tensor scale = Tensor::empty(gamma.shape(), DType::f32, Device::gpu);
  const float *const g = gamma.gpu_data<float>(), *const v = variance.gpu_data<float>();
  float* const s = scale.mutable_gpu_data<float>();
  gpu::for_each(gamma.elements(), [=] __device__(Int c) {
    s[c] = static_cast<float>(static_cast<double>(g[c]) / std::sqrt(static_cast<double>(v[c]) + epsilon));
  });
  return scale;
}

template <class A>
void normalise(A a, const Rows& rows, Tensor& out) {
  const Rows p = rows;
  gpu::map_columns(p.count, p.channels, out.mutable_gpu_data<float>(), [=] __device__(Int c) {
    const Rows::Column column = p.column(c);
    return [=](Int r) { return a.f(Fast{}, column.z(column.centred(r))); };
  });
}

template <class A>
void in_place(A a, Int elements, float* y) {
  gpu::for_each(elements, [=] __device__(Int i) { y[i] = a.f(Fast{}, y[i]); });
}

// In one pass. As x may be far from 0, a part adds the differences from its own first value and their
// squares, and the parts are added as differences from the channel's first.
void statistics(const Tensor& in, Tensor& means, Tensor& variances) {
  const Int rows = in.elements() / in.size(-1), channels = in.size(-1), pitch = pitch_of(in);
  const float* const x = in.gpu_data<float>();
  float *const mean = means.mutable_gpu_data<float>(), *const variance = variances.mutable_gpu_data<float>();
  const auto n = static_cast<double>(rows);
  gpu::sum_parts<2, 64>(
      1, rows, channels,
      [=] __device__(Int, gpu::Rows part, Int c) {
        const float first = x[part.begin * pitch + c];
        float sum = 0, squares = 0;
        gpu::read_ahead(
            part.begin, part.step, part.end, [&](Int r) { return x[r * pitch + c] - first; },
            [&](Int, float difference) {
              sum += difference;
              squares += difference * difference;
            });
        const auto count = static_cast<double>((part.end - part.begin + part.step - 1) / part.step);
        const double from = static_cast<double>(first) - static_cast<double>(x[c]), along = sum;
        return gpu::Sums<2, double>{
            {along + count * from, static_cast<double>(squares) + from * (2 * along + count * from)}};
      },
      [=] __device__(Int, Int c, gpu::Sums<2, double> sum) {
        const double middle = sum.of[0] / n;
        mean[c] = static_cast<float>(static_cast<double>(x[c]) + middle);
        const double spread = sum.of[1] / n - middle * middle;
        variance[c] = spread < 0 ? 0.0F : static_cast<float>(spread);  // not-a-number stays what it is
      });
}

// The activation after cuDNN's norm, in place, and the variance made biased.
void finish(Activation activation, Tensors& out) {
  const Int rows = out[0].elements() / out[0].size(-1);
  const float biased = static_cast<float>(rows - 1) / static_cast<float>(rows);
  float *const y = out[0].mutable_gpu_data<float>(), *const variance = out[2].mutable_gpu_data<float>();
  gpu::for_each(out[2].elements(), [=] __device__(Int c) { variance[c] *= biased; });
  if (activation == Activation::none) return;
  with_activation(activation, [&](auto a) { in_place(a, out[0].elements(), y); });
}

void train(const BatchNormTrain& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  if (batch_norm_by_cudnn::takes(in[0])) {
    batch_norm_by_cudnn::train(in[0], in[1], in[2], op.epsilon, out[0], out[1], out[2]);
    return finish(op.activation, out);
  }
  statistics(in[0], out[1], out[2]);
  const Tensor scale = scales(in[1], out[2], op.epsilon);
  const Rows rows = rows_of(in, out[1], scale);
  with_activation(op.activation, [&](auto a) { normalise(a, rows, out[0]); });
}

// dβ = Σ dz and dγ = Σ dz·x̂ of either mode.
template <class A>
void parameter_gradients(A a, double epsilon, const Rows& rows, const Tensors& in, Tensor& dgammas,
                         Tensor& dbetas) {
  const float *const dy = in[5].gpu_data<float>(), *const variance = in[4].gpu_data<float>();
  float *const dgamma = dgammas.mutable_gpu_data<float>(), *const dbeta = dbetas.mutable_gpu_data<float>();
  const Rows p = rows;
  gpu::sum_rows<2>(
      1, p.count, p.channels,
      [=] __device__(Int, Int r, Int c) {
        const Rows::Column column = p.column(c);
        const float centred = column.centred(r);
        const float dz = a.df(Fast{}, column.z(centred)) * dy[r * p.channels + c];
        return gpu::Sums<2, float>{{dz, dz * centred}};
      },
      [=] __device__(Int, Int c, gpu::Sums<2, double> sum) {
        dbeta[c] = static_cast<float>(sum.of[0]);
        dgamma[c] = static_cast<float>(sum.of[1] / std::sqrt(static_cast<double>(variance[c]) + epsilon));
      });
}

// dx = scale · (dz − dβ/n − x̂·dγ/n)
template <class A>
void input_gradient(A a, double epsilon, const Rows& rows, const Tensors& in, Tensors& out) {
  const float *const all_dy = in[5].gpu_data<float>(), *const variance = in[4].gpu_data<float>(),
                     *const dgamma = out[1].gpu_data<float>(), *const dbeta = out[2].gpu_data<float>();
  const Rows p = rows;
  const auto n = static_cast<float>(p.count), e = static_cast<float>(epsilon);
  gpu::map_columns(p.count, p.channels, out[0].mutable_gpu_data<float>(), [=] __device__(Int c) {
    const Rows::Column column = p.column(c);
    const float* const dy = all_dy + c;
    const float mean = dbeta[c] / n, slope = dgamma[c] / n / std::sqrt(variance[c] + e);
    return [=](Int r) {
      const float centred = column.centred(r), dz = a.df(Fast{}, column.z(centred)) * dy[r * p.channels];
      return column.scale * (dz - mean - slope * centred);
    };
  });
}

// factor · a′(z) · dy, a factor a channel
template <class A>
void times_slope(A a, const Rows& rows, const Tensor& factors, const Tensor& cotangent, Tensor& out) {
  const float *const all_dy = cotangent.gpu_data<float>(), *const all_factors = factors.gpu_data<float>();
  const Rows p = rows;
  gpu::map_columns(p.count, p.channels, out.mutable_gpu_data<float>(), [=] __device__(Int c) {
    const Rows::Column column = p.column(c);
    const float* const dy = all_dy + c;
    const float factor = all_factors[c];
    return [=](Int r) { return factor * a.df(Fast{}, column.z(column.centred(r))) * dy[r * p.channels]; };
  });
}

void train_grad(const BatchNormTrainGrad& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Tensor scale = scales(in[1], in[4], op.epsilon);
  const Rows rows = rows_of(in, in[3], scale);
  if (batch_norm_by_cudnn::takes(in[0])) {
    const Tensor ones = Tensor::filled(in[1].shape(), 1, DType::f32, Device::gpu);
    Tensor dz = in[5];
    if (op.activation != Activation::none) {
      dz = Tensor::empty(in[0].shape(), DType::f32, Device::gpu);
      with_activation(op.activation, [&](auto a) { times_slope(a, rows, ones, in[5], dz); });
    }
    const Tensor inverse = scales(ones, in[4], op.epsilon);
    return batch_norm_by_cudnn::gradients(in[0], in[1], in[3], inverse, dz, op.epsilon, out[0], out[1],
                                          out[2]);
  }
  with_activation(op.activation, [&](auto a) {
    parameter_gradients(a, op.epsilon, rows, in, out[1], out[2]);
    input_gradient(a, op.epsilon, rows, in, out);
  });
}

void frozen(const BatchNormFrozen& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Tensor scale = scales(in[1], in[4], op.epsilon);
  const Rows rows = rows_of(in, in[3], scale);
  with_activation(op.activation, [&](auto a) { normalise(a, rows, out[0]); });
}

void frozen_grad_x(const BatchNormFrozenGradX& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Tensor scale = scales(in[1], in[4], op.epsilon);
  const Rows rows = rows_of(in, in[3], scale);
  with_activation(op.activation, [&](auto a) { times_slope(a, rows, scale, in[5], out[0]); });
}

void frozen_grad_parameters(const BatchNormFrozenGradParameters& op, const Tensors& inputs, Tensors& out) {
  const Tensors in = readable(inputs);
  const Tensor scale = scales(in[1], in[4], op.epsilon);
  const Rows rows = rows_of(in, in[3], scale);
  with_activation(op.activation,
                  [&](auto a) { parameter_gradients(a, op.epsilon, rows, in, out[0], out[1]); });
}

}  // namespace

void register_batch_norm_gpu(Registry& registry) {
  registry.add_gpu<BatchNormTrain>(train, Layout::strided);
  registry.add_gpu<BatchNormTrainGrad>(train_grad, Layout::strided);
  registry.add_gpu<BatchNormFrozen>(frozen, Layout::strided);
  registry.add_gpu<BatchNormFrozenGradX>(frozen_grad_x, Layout::strided);
  registry.add_gpu<BatchNormFrozenGradParameters>(frozen_grad_parameters, Layout::strided);
}

}  // namespace sonograd
