#include "ops/depthwise_conv2d/depthwise_conv2d.h"

#include "ops/depthwise_conv2d/padded_rows.h"
#include "ops/depthwise_conv2d/row_kernels.h"
#include "tensor/parallel.h"

namespace sonograd {
namespace {

using depthwise::Row;
using depthwise::Taps;

// One axis of a kernel pass: output p reads source positions source[p mod phases] + step·(p div phases) + 0 …
// taps−1. The value has one phase; the gradient of a convolution with stride s has s, each with taps of its
// own.
struct AxisPass {
  Int taps, step, outputs;
  std::vector<Int> source;

  Int phases() const { return static_cast<Int>(source.size()); }
  Int outputs_of(Int phase) const { return (outputs - phase + phases() - 1) / phases(); }
  Int left() const { return std::max<Int>(-*std::min_element(source.begin(), source.end()), 0); }
  Int columns() const {  // with the zeros to the left
    Int last = 0;
    for (Int p = 0; p < phases(); ++p)
      last = std::max(last, source[static_cast<std::size_t>(p)] + step * (outputs_of(p) - 1) + taps);
    return last + left();
  }
};

AxisPass forward_pass(const WindowAxis& axis, Int kernel) {
  return {kernel, axis.stride, axis.outputs, {-axis.before}};
}
// Position r of x is read by output i at tap u = r + before − stride·i: its taps are every stride-th one.
AxisPass backward_pass(const WindowAxis& axis, Int kernel) {
  const Int taps = (kernel + axis.stride - 1) / axis.stride;
  AxisPass pass{taps, 1, axis.input, {}};
  for (Int r = 0; r < axis.stride; ++r) pass.source.push_back((r + axis.before) / axis.stride - taps + 1);
  return pass;
}
// The kernel's tap that the phase reads at its v-th position; past the kernel's end there is none.
Int backward_tap(const WindowAxis& axis, const AxisPass& pass, Int phase, Int v) {
  return (phase + axis.before) % axis.stride + axis.stride * (pass.taps - 1 - v);
}

// Channels are done in blocks where the weights of all of them would crowd the first-level cache.
Int block_of(Int taps, Int channels) {
  constexpr Int crowded = 4096, block = 64;  // floats, channels
  return taps * channels <= crowded ? channels : std::min(block, channels);
}

// The work of a depthwise op as a list of rows (block, image, row), of which each thread takes a piece.
struct Rows {
  Int block, channels, images, height;

  Int blocks() const { return (channels + block - 1) / block; }
  Int count() const { return blocks() * images * height; }
  Int pieces() const { return std::clamp<Int>(count(), 1, threads()); }

  // Calls start(block's first channel, its channels, image) where a new image or block begins, then row(r).
  void visit(Int piece, auto start, auto row) const {
    const Int end = count() * (piece + 1) / pieces();
    Int last = -1;
    for (Int number = count() * piece / pieces(); number < end; ++number) {
      const Int plane = number / height, first = plane / images * block;
      if (plane != last) start(first, std::min(block, channels - first), plane % images);
      last = plane;
      row(number % height);
    }
  }
};

// y = Σ source·w over the passes' taps; w holds [taps, channels] for each pair of phases.
void convolve(const AxisPass& rows, const AxisPass& columns, const Tensor& source, const float* w,
              Tensor& y) {
  const Int channels = source.size(3), taps = rows.taps * columns.taps;
  const Rows work{block_of(taps, channels), channels, y.size(0), y.size(1)};
  const PaddedRows::Geometry geometry{source.size(1),    source.size(2), channels,  columns.left(),
                                      columns.columns(), rows.taps,      work.block};
  const Storage memory(work.pieces() * geometry.floats() * 4);
  const float* const images = source.data<float>();
  float* const outputs = y.mutable_data<float>();
  const Int image_floats = source.size(1) * source.size(2) * channels, row_floats = y.size(2) * channels;

  parallel_for(work.pieces(), 1, [&](Int piece, Int end) {
    for (; piece < end; ++piece) {
      PaddedRows padded(geometry, static_cast<float*>(memory.data()) + piece * geometry.floats());
      std::vector<const float*> x(static_cast<std::size_t>(rows.taps)), shifted(x);
      Int first = 0, count = 0;
      float* y_image = nullptr;
      const auto start = [&](Int first_channel, Int channel_count, Int image) {
        first = first_channel, count = channel_count;
        padded.start(images + image * image_floats, first, count);
        y_image = outputs + image * work.height * row_floats + first;
      };
      work.visit(piece, start, [&](Int r) {
        const Int row_phase = r % rows.phases();
        const Int top = rows.source[static_cast<std::size_t>(row_phase)] + rows.step * (r / rows.phases());
        for (Int u = 0; u < rows.taps; ++u) x[static_cast<std::size_t>(u)] = padded.row(top + u);
        for (Int phase = 0; phase < columns.phases(); ++phase) {
          const Int skip = columns.source[static_cast<std::size_t>(phase)] + columns.left();
          for (Int u = 0; u < rows.taps; ++u)
            shifted[static_cast<std::size_t>(u)] = x[static_cast<std::size_t>(u)] + skip * padded.pixel();
          Row row{shifted.data(),
                  padded.pixel(),
                  const_cast<float*>(w) + (row_phase * columns.phases() + phase) * taps * channels + first,
                  channels,
                  y_image + r * row_floats + phase * channels,
                  columns.phases() * channels,
                  columns.outputs_of(phase),
                  0,
                  count};
          depthwise::convolve({rows.taps, columns.taps, columns.step}, row);
        }
      });
    }
  });
}

void forward(const DepthwiseConv2d& op, const Tensors& in, Tensors& out) {
  const Tensor &x = in[0], &w = in[1];
  const Window at = op.window_on(x.size(1), x.size(2), {w.size(0), w.size(1)});
  convolve(forward_pass(at.rows, w.size(0)), forward_pass(at.columns, w.size(1)), x, w.data<float>(), out[0]);
}

void grad_x(const DepthwiseConv2dGradX& op, const Tensors& in, Tensors& out) {
  const Tensor &w = in[0], &dy = in[1];
  const Window at = op.conv.window_on(op.size.height, op.size.width, {w.size(0), w.size(1)});
  const AxisPass rows = backward_pass(at.rows, w.size(0)), columns = backward_pass(at.columns, w.size(1));
  const Int channels = w.size(2);
  Tensor turned = Tensor::zeros({rows.phases(), columns.phases(), rows.taps, columns.taps, channels});
  const View<float> to = write_view<float>(turned);
  const View<const float> from = read_view<float>(w);
  for_each_index({rows.phases(), columns.phases(), rows.taps, columns.taps}, [&](const Shape& i) {
    const Int u = backward_tap(at.rows, rows, i[0], i[2]), v = backward_tap(at.columns, columns, i[1], i[3]);
    if (u < w.size(0) && v < w.size(1)) std::copy_n(&from(u, v), channels, &to(i[0], i[1], i[2], i[3]));
  });
  convolve(rows, columns, dy, turned.data<float>(), out[0]);
}

// dw = Σ x·dy: each thread adds up its rows, an image's sum before the sum of its images; then the threads'
// sums are added in order.
void grad_w(const DepthwiseConv2dGradW& op, const Tensors& in, Tensors& out) {
  const Tensor &x = in[0], &dy = in[1];
  const Window at = op.conv.window_on(x.size(1), x.size(2), op.kernel);
  const AxisPass rows = forward_pass(at.rows, op.kernel.height),
                 columns = forward_pass(at.columns, op.kernel.width);
  const Int channels = x.size(3), taps = rows.taps * columns.taps, all = PaddedRows::rounded(channels);
  const Rows work{block_of(taps, channels), channels, dy.size(0), dy.size(1)};
  const Int width = PaddedRows::rounded(work.block);
  const PaddedRows::Geometry x_rows{x.size(1),         x.size(2), channels,  columns.left(),
                                    columns.columns(), rows.taps, work.block};
  const PaddedRows::Geometry dy_rows{dy.size(1), dy.size(2), channels, 0, dy.size(2), 1, work.block};
  const bool copies_dy = all != channels;  // else whole vectors can be read in place
  const Int x_floats = x_rows.floats(), dy_floats = copies_dy ? dy_rows.floats() : 0;
  const Int piece_floats = x_floats + dy_floats + taps * (width + all);
  const Storage memory(work.pieces() * piece_floats * 4);
  float* const scratch = static_cast<float*>(memory.data());
  const float* const images = x.data<float>();
  const float* const cotangents = dy.data<float>();
  const Int x_image = x.size(1) * x.size(2) * channels, dy_row = dy.size(2) * channels;

  parallel_for(work.pieces(), 1, [&](Int piece, Int end) {
    for (; piece < end; ++piece) {
      float* const own = scratch + piece * piece_floats;
      PaddedRows padded(x_rows, own), padded_dy(dy_rows, copies_dy ? own + x_floats : nullptr);
      float *const total = own + x_floats + dy_floats, *const of_image = total + taps * all;
      std::fill_n(total, taps * (all + width), 0.0f);
      std::vector<const float*> x_of(static_cast<std::size_t>(rows.taps));
      Int first = 0, count = 0, image = 0;
      const auto add_up = [&] {
        for (Int tap = 0; tap < taps; ++tap)
          for (Int c = 0; c < count; ++c) total[tap * all + first + c] += of_image[tap * width + c];
        std::fill_n(of_image, taps * width, 0.0f);
      };
      const auto start = [&](Int first_channel, Int channel_count, Int n) {
        add_up();
        first = first_channel, count = channel_count, image = n;
        padded.start(images + n * x_image, first, count);
        padded_dy.start(cotangents + n * work.height * dy_row, first, count);
      };
      work.visit(piece, start, [&](Int r) {
        for (Int u = 0; u < rows.taps; ++u)
          x_of[static_cast<std::size_t>(u)] = padded.row(rows.step * r + rows.source[0] + u);
        const float* const y =
            copies_dy ? padded_dy.row(r) : cotangents + (image * work.height + r) * dy_row + first;
        depthwise::correlate(
            {rows.taps, columns.taps, columns.step},
            {x_of.data(), padded.pixel(), of_image, width, const_cast<float*>(y),
             copies_dy ? padded_dy.pixel() : channels, columns.outputs, 0, PaddedRows::rounded(count)});
      });
      add_up();
    }
  });
  float* const dw = out[0].mutable_data<float>();
  for (Int tap = 0; tap < taps; ++tap)
    for (Int c = 0; c < channels; ++c) {
      float sum = 0;
      for (Int piece = 0; piece < work.pieces(); ++piece)
        sum += scratch[piece * piece_floats + x_floats + dy_floats + tap * all + c];
      dw[tap * channels + c] = sum;
    }
}

}  // namespace

void register_depthwise_conv2d_cpu(Registry& registry) {
  registry.add_cpu<DepthwiseConv2d>(forward);
  registry.add_cpu<DepthwiseConv2dGradX>(grad_x);
  registry.add_cpu<DepthwiseConv2dGradW>(grad_w);
}

}  // namespace sonograd
