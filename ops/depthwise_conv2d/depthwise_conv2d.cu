#include "ops/depthwise_conv2d/depthwise_conv2d.h"
#include "tensor/gpu/launch_columns.h"

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

// A tile of rows and columns that a thread computes: what it reads serves several of its sums.
constexpr int tile_rows = 2, tile_columns = 4;

// A thread's place in such tiles of n images of a size.
SONOGRAD_INLINE gpu::Pixel tile(Int number, Int height, Int width, Int channels) {
  gpu::Pixel at = gpu::pixel(number, (height + tile_rows - 1) / tile_rows,
                             (width + tile_columns - 1) / tile_columns, channels);
  at.row *= tile_rows;
  at.column *= tile_columns;
  return at;
}
Int tiles(Int images, Int height, Int width, Int channels) {
  return images * ((height + tile_rows - 1) / tile_rows) * ((width + tile_columns - 1) / tile_columns) *
         channels;
}

// Kernels of size × size taps, with one stride. Each output adds its taps in the order of the plain
// loops, those beside the image too, as products with 0.
template <int size, int stride>
void value_by_tiles(const Taps& taps, const Tensors& in, Tensors& out) {
  const Taps t = taps;
  const float *const x = in[0].gpu_data<float>(), *const w = in[1].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  const Int height = t.rows.outputs, width = t.columns.outputs;
  gpu::for_each(tiles(out[0].size(0), height, width, t.channels), [=] __device__(Int number) {
    const gpu::Pixel at = tile(number, height, width, t.channels);
    const Int top = t.rows.position(at.row, 0), left = t.columns.position(at.column, 0);
    float sums[tile_rows][tile_columns] = {};
    for (int down = 0; down < (tile_rows - 1) * stride + size; ++down) {
      if (!t.rows.inside(top + down)) continue;
      const float* const line = x + t.x(at.n, top + down, 0, at.channel);
      float values[(tile_columns - 1) * stride + size];
      for (int along = 0; along < (tile_columns - 1) * stride + size; ++along)
        values[along] = t.columns.inside(left + along) ? line[(left + along) * t.channels] : 0.0F;
      for (int i = 0; i < tile_rows; ++i) {
        const int u = down - i * stride;
        if (u < 0 || u >= size) continue;
        for (int v = 0; v < size; ++v) {
          const float weight = w[t.w(u, v, at.channel)];
          for (int j = 0; j < tile_columns; ++j) sums[i][j] += values[j * stride + v] * weight;
        }
      }
    }
    for (int i = 0; i < tile_rows; ++i)
      for (int j = 0; j < tile_columns; ++j)
        if (at.row + i < height && at.column + j < width)
          y[t.y(at.n, at.row + i, at.column + j, at.channel)] = sums[i][j];
  });
}

// x's tiles begin where a window does: element (i, j) of one is read by the output (down, along) steps from
// the first at tap (i − stride·down, j − stride·along).
template <int size, int stride>
void grad_x_by_tiles(const Taps& taps, const Tensors& in, Tensors& out) {
  static_assert(tile_rows % stride == 0 && tile_columns % stride == 0);
  constexpr int reach = (size - 1) / stride;  // outputs whose windows begin above the tile and end in it
  constexpr int output_rows = reach + tile_rows / stride, output_columns = reach + tile_columns / stride;
  const Taps t = taps;
  const float *const w = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  const Int height = t.rows.input + t.rows.before,
            width = t.columns.input + t.columns.before;  // from the border on
  gpu::for_each(tiles(out[0].size(0), height, width, t.channels), [=] __device__(Int number) {
    const gpu::Pixel at = tile(number, height, width, t.channels);
    const Int top = at.row - t.rows.before, left = at.column - t.columns.before;  // of the tile, in x
    float sums[tile_rows][tile_columns] = {};
    for (int down = 0; down < output_rows; ++down) {
      const Int i = at.row / stride + down - reach;
      if (i < 0 || i >= t.rows.outputs) continue;
      const float* const line = dy + t.y(at.n, i, 0, at.channel);
      float values[output_columns];
      for (int along = 0; along < output_columns; ++along) {
        const Int j = at.column / stride + along - reach;
        values[along] = j >= 0 && j < t.columns.outputs ? line[j * t.channels] : 0.0F;
      }
      for (int row = 0; row < tile_rows; ++row) {
        const int u = row - (down - reach) * stride;
        if (u < 0 || u >= size) continue;
        for (int v = size - 1; v >= 0; --v) {
          const float weight = w[t.w(u, v, at.channel)];
          for (int column = 0; column < tile_columns; ++column)
            if ((column - v) % stride == 0)
              sums[row][column] += weight * values[(column - v) / stride + reach];
        }
      }
    }
    for (int row = 0; row < tile_rows; ++row)
      for (int column = 0; column < tile_columns; ++column)
        if (t.rows.inside(top + row) && t.columns.inside(left + column))
          dx[t.x(at.n, top + row, left + column, at.channel)] = sums[row][column];
  });
}

// All taps at once, some neighbouring outputs at a time: what is read of x serves several of them.
template <int size, int stride>
void grad_w_by_tiles(const Taps& taps, const Tensors& in, Tensors& out) {
  constexpr int all = size * size, together = (size < 5 ? 4 : 2) / stride,
                read = (together - 1) * stride + size;
  const Taps t = taps;
  const float *const x = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dw = out[0].mutable_gpu_data<float>();
  const Int height = t.rows.outputs, width = t.columns.outputs;
  const Int across = (width + together - 1) / together;
  const int channels = static_cast<int>(t.channels);
  gpu::sum_parts<all, 64 / together>(
      1, in[1].size(0) * height * across, t.channels,
      [=] __device__(Int, gpu::Rows part, Int c) {
        gpu::Sums<all, float> sums{};
        for (Int number = part.begin; number < part.end; number += part.step) {
          const gpu::Pixel at = gpu::pixel(number, height, across, 1);
          const Int first = at.column * together, left = t.columns.position(first, 0);
          const Int top = t.rows.position(at.row, 0);
          const float* const outputs = dy + t.y(at.n, at.row, first, c);
          float cotangents[together];
          for (int j = 0; j < together; ++j) cotangents[j] = first + j < width ? outputs[j * channels] : 0.0F;
          bool inside[read];
          for (int along = 0; along < read; ++along) inside[along] = t.columns.inside(left + along);
          const float* line = x + t.x(at.n, top, left, c);
          for (int u = 0; u < size; ++u, line += t.columns.input * t.channels) {
            if (!t.rows.inside(top + u)) continue;
            float values[read];
            for (int along = 0; along < read; ++along)
              values[along] = inside[along] ? line[along * channels] : 0.0F;
            for (int v = 0; v < size; ++v)
              for (int j = 0; j < together; ++j)
                sums.of[u * size + v] += values[j * stride + v] * cotangents[j];
          }
        }
        return sums;
      },
      [=] __device__(Int, Int c, gpu::Sums<all, double> sum) {
        for (int tap = 0; tap < all; ++tap) dw[tap * t.channels + c] = static_cast<float>(sum.of[tap]);
      });
}

// Any kernel and strides: a thread sums an output over the taps.
void value_by_taps(const Taps& taps, const Tensors& in, Tensors& out) {
  const Taps t = taps;
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
void grad_x_by_taps(const Taps& taps, const Tensors& in, Tensors& out) {
  const Taps t = taps;
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

void grad_w_by_taps(const Taps& taps, const Tensors& in, Tensors& out) {
  const Taps t = taps;
  const float *const x = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dw = out[0].mutable_gpu_data<float>();
  gpu::sum_rows<1>(
      t.kernel_height * t.kernel_width, in[1].size(0) * t.rows.outputs * t.columns.outputs, t.channels,
      [=] __device__(Int number, Int r, Int c) {
        const gpu::Pixel at = gpu::pixel(r, t.rows.outputs, t.columns.outputs, 1);
        const gpu::Place tap = gpu::place(number, t.kernel_width);
        const Int row = t.rows.position(at.row, tap.row), column = t.columns.position(at.column, tap.column);
        const bool inside = t.rows.inside(row) && t.columns.inside(column);
        return gpu::Sums<1, float>{{inside ? x[t.x(at.n, row, column, c)] * dy[r * t.channels + c] : 0.0F}};
      },
      [=] __device__(Int tap, Int c, gpu::Sums<1, double> sum) {
        dw[tap * t.channels + c] = static_cast<float>(sum.of[0]);
      });
}

// The kernels that the models have: 3 × 3 and 5 × 5 taps, strides of 1 and 2.
template <class Tiled, class General>
void choose(const Taps& t, Tiled tiled, General general) {
  const Int size = t.kernel_height, stride = t.rows.stride;
  if (size != t.kernel_width || stride != t.columns.stride) return general();
  using std::integral_constant;
  if (size == 3 && stride == 1) return tiled(integral_constant<int, 3>{}, integral_constant<int, 1>{});
  if (size == 3 && stride == 2) return tiled(integral_constant<int, 3>{}, integral_constant<int, 2>{});
  if (size == 5 && stride == 1) return tiled(integral_constant<int, 5>{}, integral_constant<int, 1>{});
  if (size == 5 && stride == 2) return tiled(integral_constant<int, 5>{}, integral_constant<int, 2>{});
  general();
}

void value(const DepthwiseConv2d& op, const Tensors& in, Tensors& out) {
  const Taps t = taps_of(op, in[0].shape(), in[1].shape());
  choose(
      t, [&](auto size, auto stride) { value_by_tiles<size(), stride()>(t, in, out); },
      [&] { value_by_taps(t, in, out); });
}

void grad_x(const DepthwiseConv2dGradX& op, const Tensors& in, Tensors& out) {
  const Taps t = taps_of(op.conv, out[0].shape(), in[0].shape());
  choose(
      t, [&](auto size, auto stride) { grad_x_by_tiles<size(), stride()>(t, in, out); },
      [&] { grad_x_by_taps(t, in, out); });
}

void grad_w(const DepthwiseConv2dGradW& op, const Tensors& in, Tensors& out) {
  const Taps t = taps_of(op.conv, in[0].shape(), out[0].shape());
  choose(
      t, [&](auto size, auto stride) { grad_w_by_tiles<size(), stride()>(t, in, out); },
      [&] { grad_w_by_taps(t, in, out); });
}

}  // namespace

void register_depthwise_conv2d_gpu(Registry& registry) {
  registry.add_gpu<DepthwiseConv2d>(value);
  registry.add_gpu<DepthwiseConv2dGradX>(grad_x);
  registry.add_gpu<DepthwiseConv2dGradW>(grad_w);
}

}  // namespace sonograd
