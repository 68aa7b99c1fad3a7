#include "ops/conv2d/columns.h"

#include "tensor/gpu/cublas.h"
#include "tensor/gpu/launch.h"

namespace sonograd::convolution {
namespace {

struct Geometry {
  WindowAxis rows, columns;
  Int kernel_height, kernel_width, channels, group, in;  // of x, number of the group, channels of a group
};

// Into columns from x, of the given images.
void gather(const Geometry& g, const float* x, float* columns, Int images) {
  const Int width = g.kernel_height * g.kernel_width * g.in;
  gpu::for_each(images * g.rows.outputs * g.columns.outputs * width, [=] __device__(Int at) {
    const gpu::Pixel y = gpu::pixel(at, g.rows.outputs, g.columns.outputs, width),
                     tap = gpu::pixel(y.channel, g.kernel_height, g.kernel_width, g.in);
    const Int row = g.rows.position(y.row, tap.row), column = g.columns.position(y.column, tap.column);
    const bool inside = g.rows.inside(row) && g.columns.inside(column);
    columns[at] = inside ? x[((y.n * g.rows.input + row) * g.columns.input + column) * g.channels +
                             g.group * g.in + tap.channel]
                         : 0.0F;
  });
}

// Into dx from dcolumns: each element sums the taps that read it, u and v rising.
void scatter(const Geometry& g, const float* columns, float* dx, Int images) {
  const Int width = g.kernel_height * g.kernel_width * g.in;
  gpu::for_each(images * g.rows.input * g.columns.input * g.in, [=] __device__(Int at) {
    const gpu::Pixel x = gpu::pixel(at, g.rows.input, g.columns.input, g.in);
    float sum = 0;
    for (Int u = 0; u < g.kernel_height; ++u) {
      const Int down = x.row + g.rows.before - g.rows.dilation * u;
      const gpu::Place i = gpu::place(down, g.rows.stride);
      if (down < 0 || i.column != 0 || i.row >= g.rows.outputs) continue;
      for (Int v = 0; v < g.kernel_width; ++v) {
        const Int along = x.column + g.columns.before - g.columns.dilation * v;
        const gpu::Place j = gpu::place(along, g.columns.stride);
        if (along < 0 || j.column != 0 || j.row >= g.columns.outputs) continue;
        sum += columns[((x.n * g.rows.outputs + i.row) * g.columns.outputs + j.row) * width +
                       (u * g.kernel_width + v) * g.in + x.channel];
      }
    }
    dx[((x.n * g.rows.input + x.row) * g.columns.input + x.column) * g.channels + g.group * g.in +
       x.channel] = sum;
  });
}

}  // namespace

void run_by_columns(Direction direction, const Conv2d& conv, Tensor x, Tensor w, Tensor y) {
  const Window at = conv.window_on(x.size(1), x.size(2), {w.size(0), w.size(1)});
  const Int in = w.size(2), out = w.size(3) / conv.groups, all_out = w.size(3);
  const Int width = w.size(0) * w.size(1) * in, image = at.rows.outputs * at.columns.outputs;
  const Int chunk = std::clamp<Int>((Int{64} << 20) / (4 * width * image), 1, x.size(0));
  Tensor columns = Tensor::empty({chunk * image, width}, DType::f32, Device::gpu);
  float* const cells = columns.mutable_gpu_data<float>();
  for (Int group = 0; group < conv.groups; ++group)
    for (Int first = 0; first < x.size(0); first += chunk) {
      const Geometry g{at.rows, at.columns, w.size(0), w.size(1), x.size(3), group, in};
      const Int images = std::min(chunk, x.size(0) - first), rows = images * image;
      const Int x_first = first * x.elements() / x.size(0), y_first = first * image * all_out + group * out;
      const cublas::Factor weights{w.gpu_data<float>() + group * out, all_out};
      const cublas::Factor dy{y.gpu_data<float>() + y_first, all_out};
      if (direction == Direction::grad_x) {
        cublas::multiply(rows, width, out, dy, {weights.first, all_out, true}, {cells, width}, 1, 0,
                         conv.precision);
        scatter(g, cells, x.mutable_gpu_data<float>() + x_first, images);
        continue;
      }
      gather(g, x.gpu_data<float>() + x_first, cells, images);
      if (direction == Direction::forward)
        cublas::multiply(rows, out, width, {cells, width}, weights,
                         {y.mutable_gpu_data<float>() + y_first, all_out}, 1, 0, conv.precision);
      else
        cublas::multiply(width, out, rows, {cells, width, true}, dy,
                         {w.mutable_gpu_data<float>() + group * out, all_out}, 1, first > 0 ? 1.0F : 0.0F,
                         conv.precision);
    }
}

}  // namespace sonograd::convolution
