#include "ops/conv2d/columns.h"

#include "tensor/cublas.h"
#include "tensor/launch.h"

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
    const Int c = at % g.in, v = at / g.in % g.kernel_width, u = at / g.in / g.kernel_width % g.kernel_height;
    const Int j = at / width % g.columns.outputs, i = at / width / g.columns.outputs % g.rows.outputs;
    const Int n = at / width / g.columns.outputs / g.rows.outputs;
    const Int row = g.rows.position(i, u), column = g.columns.position(j, v);
    const bool inside = g.rows.inside(row) && g.columns.inside(column);
    columns[at] =
        inside ? x[((n * g.rows.input + row) * g.columns.input + column) * g.channels + g.group * g.in + c]
               : 0.0F;
  });
}

// Into dx from dcolumns: each element sums the taps that read it, u and v rising.
void scatter(const Geometry& g, const float* columns, float* dx, Int images) {
  const Int width = g.kernel_height * g.kernel_width * g.in;
  gpu::for_each(images * g.rows.input * g.columns.input * g.in, [=] __device__(Int at) {
    const Int c = at % g.in, column = at / g.in % g.columns.input;
    const Int row = at / g.in / g.columns.input % g.rows.input,
              n = at / g.in / g.columns.input / g.rows.input;
    float sum = 0;
    for (Int u = 0; u < g.kernel_height; ++u) {
      const Int down = row + g.rows.before - g.rows.dilation * u, i = down / g.rows.stride;
      if (down < 0 || down % g.rows.stride != 0 || i >= g.rows.outputs) continue;
      for (Int v = 0; v < g.kernel_width; ++v) {
        const Int along = column + g.columns.before - g.columns.dilation * v, j = along / g.columns.stride;
        if (along < 0 || along % g.columns.stride != 0 || j >= g.columns.outputs) continue;
        sum += columns[((n * g.rows.outputs + i) * g.columns.outputs + j) * width +
                       (u * g.kernel_width + v) * g.in + c];
      }
    }
    dx[((n * g.rows.input + row) * g.columns.input + column) * g.channels + g.group * g.in + c] = sum;
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
        cublas::multiply(rows, width, out, dy, {weights.first, all_out, true}, {cells, width});
        scatter(g, cells, x.mutable_gpu_data<float>() + x_first, images);
        continue;
      }
      gather(g, x.gpu_data<float>() + x_first, cells, images);
      if (direction == Direction::forward)
        cublas::multiply(rows, out, width, {cells, width}, weights,
                         {y.mutable_gpu_data<float>() + y_first, all_out});
      else
        cublas::multiply(width, out, rows, {cells, width, true}, dy,
                         {w.mutable_gpu_data<float>() + group * out, all_out}, 1, first > 0 ? 1.0F : 0.0F);
    }
}

}  // namespace sonograd::convolution
