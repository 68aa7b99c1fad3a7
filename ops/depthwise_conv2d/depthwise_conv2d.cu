#include "ops/depthwise_conv2d/depthwise_conv2d.h"
#include "tensor/launch.h"

namespace sonograd {
namespace {

// One geometry for the value and both gradients: sizes of x [n,height,width,c], the kernel and y.
struct Taps {
  WindowAxis rows, columns;
  Int kernel_height, kernel_width, channels;

  SONOGRAD_INLINE Int x(Int n, Int row, Int column, Int c) const {
    return ((n * rows.input + row) * columns.input + column) * channels + c;
  }
  SONOGRAD_INLINE Int w(Int u, Int v, Int c) const { return (u * kernel_width + v) * channels + c; }
  SONOGRAD_INLINE Int y(Int n, Int i, Int j, Int c) const {
    return ((n * rows.outputs + i) * columns.outputs + j) * channels + c;
  }
};

Taps taps_of(const DepthwiseConv2d& op, const Shape& x, const Shape& w) {
  const Window at = op.window_on(x[1], x[2], {w[0], w[1]});
  return {at.rows, at.columns, w[0], w[1], x[3]};
}

// A thread sums an output over the taps.
void value(const DepthwiseConv2d& op, const Tensors& in, Tensors& out) {
  const Taps t = taps_of(op, in[0].shape(), in[1].shape());
  const float *const x = in[0].gpu_data<float>(), *const w = in[1].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel at = gpu::pixel(number, t.rows.outputs, t.columns.outputs, t.channels);
    float sum = 0;
    for (Int u = 0; u < t.kernel_height; ++u) {
      const Int row = t.rows.position(at.row, u);
      if (!t.rows.inside(row)) continue;
      for (Int v = 0; v < t.kernel_width; ++v) {
        const Int column = t.columns.position(at.column, v);
        if (t.columns.inside(column)) sum += x[t.x(at.n, row, column, at.channel)] * w[t.w(u, v, at.channel)];
      }
    }
    y[number] = sum;
  });
}

// A thread sums an element of dx over the outputs that read it.
void grad_x(const DepthwiseConv2dGradX& op, const Tensors& in, Tensors& out) {
  const Taps t = taps_of(op.conv, out[0].shape(), in[0].shape());
  const float *const w = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel at = gpu::pixel(number, t.rows.input, t.columns.input, t.channels);
    float sum = 0;
    for (Int i = t.rows.first_output(at.row, t.kernel_height); i <= t.rows.last_output(at.row); ++i) {
      const Int u = at.row - t.rows.position(i, 0);
      for (Int j = t.columns.first_output(at.column, t.kernel_width); j <= t.columns.last_output(at.column);
           ++j)
        sum += w[t.w(u, at.column - t.columns.position(j, 0), at.channel)] * dy[t.y(at.n, i, j, at.channel)];
    }
    dx[number] = sum;
  });
}

// Sums over all outputs, for `kinds` neighbouring taps of each group at once: dy is read once for them.
template <int kinds>
void grad_w_by(const Taps& taps, Int outputs, const Tensors& in, Tensors& out) {
  const Taps t = taps;
  const Int all = t.kernel_height * t.kernel_width;
  const float *const x = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dw = out[0].mutable_gpu_data<float>();
  gpu::sum_rows<kinds>(
      all / kinds, outputs, t.channels,
      [=] __device__(Int group, Int r, Int c) {
        const gpu::Pixel at = gpu::pixel(r, t.rows.outputs, t.columns.outputs, 1);
        const float cotangent = dy[r * t.channels + c];
        gpu::Sums<kinds, float> products{};
        for (int kind = 0; kind < kinds; ++kind) {
          const gpu::Place tap = gpu::place(group * kinds + kind, t.kernel_width);
          const Int row = t.rows.position(at.row, tap.row),
                    column = t.columns.position(at.column, tap.column);
          if (t.rows.inside(row) && t.columns.inside(column))
            products.of[kind] = x[t.x(at.n, row, column, c)] * cotangent;
        }
        return products;
      },
      [=] __device__(Int group, Int c, gpu::Sums<kinds, double> sum) {
        for (int kind = 0; kind < kinds; ++kind)
          dw[(group * kinds + kind) * t.channels + c] = static_cast<float>(sum.of[kind]);
      });
}

void grad_w(const DepthwiseConv2dGradW& op, const Tensors& in, Tensors& out) {
  const Taps t = taps_of(op.conv, in[0].shape(), out[0].shape());
  const Int all = t.kernel_height * t.kernel_width;
  const Int outputs = in[1].elements() / std::max<Int>(1, t.channels);
  if (all % 9 == 0)
    grad_w_by<9>(t, outputs, in, out);
  else if (all % 5 == 0)
    grad_w_by<5>(t, outputs, in, out);
  else
    grad_w_by<1>(t, outputs, in, out);
}

}  // namespace

void register_depthwise_conv2d_gpu(Registry& registry) {
  registry.add_gpu<DepthwiseConv2d>(value);
  registry.add_gpu<DepthwiseConv2dGradX>(grad_x);
  registry.add_gpu<DepthwiseConv2dGradW>(grad_w);
}

}  // namespace sonograd
