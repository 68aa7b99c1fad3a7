#include "ops/depthwise_conv2d/depthwise_conv2d.h"

#include "base/parallel.h"
#include "ops/depthwise_conv2d/padded_rows.h"
#include "ops/depthwise_conv2d/row_kernels.h"

namespace sonograd {
namespace {

// One axis of a kernel pass: output p reads source positions source[p mod phases] + step·(p div phases) + 0 …
// taps−1. The value has one phase; the gradient of a convolution with stride s has s, each with taps of its
// own.
struct AxisPass {
  Int taps, step, outputs;
  std::vector<Int> source;

  Int first(Int output) const {
    return source[static_cast<std::size_t>(output % phases())] + step * (output / phases());
  }
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

// The rows of all images as one list, of which each thread takes a piece.
struct RowList {
  Int images, height;
  Int pieces = std::clamp<Int>(images * height, 1, threads());

  // Calls start(image) where a new image begins, then row(r).
  void visit(Int piece, auto start, auto row) const {
    const Int count = images * height, begin = count * piece / pieces, end = count * (piece + 1) / pieces;
    for (Int number = begin; number < end; ++number) {
      if (number == begin || number % height == 0) start(number / height);
      row(number % height);
    }
  }
};

// y = Σ source·w over the passes' taps; w holds [taps, channels] for each pair of phases.
void convolve(const AxisPass& rows, const AxisPass& columns, const Tensor& source, const float* w,
              Tensor& y) {
  const Int channels = source.size(3), taps = rows.taps * columns.taps;
  const RowList work{y.size(0), y.size(1)};
  const PaddedRows::Geometry geometry{source.size(1), source.size(2),    channels,
                                      columns.left(), columns.columns(), rows.taps};
  const Storage memory(work.pieces * geometry.floats() * 4);
  float* const scratch = static_cast<float*>(memory.data());
  const float* const images = source.data<float>();
  float* const outputs = y.mutable_data<float>();
  const Int image_floats = source.size(1) * source.size(2) * channels, row_floats = y.size(2) * channels;

  parallel_for(work.pieces, 1, [&](Int piece, Int end) {
    for (; piece < end; ++piece) {
      PaddedRows padded(geometry, scratch + piece * geometry.floats());
      std::vector<const float*> x(static_cast<std::size_t>(rows.taps));
      float* y_image = nullptr;
      const auto start = [&](Int image) {
        padded.start(images + image * image_floats);
        y_image = outputs + image * work.height * row_floats;
      };
      work.visit(piece, start, [&](Int r) {
        for (Int phase = 0; phase < columns.phases(); ++phase) {
          const Int skipped = (columns.first(phase) + columns.left()) * padded.pixel();
          for (Int u = 0; u < rows.taps; ++u)
            x[static_cast<std::size_t>(u)] = padded.row(rows.first(r) + u) + skipped;
          const float* const w_phase = w + (r % rows.phases() * columns.phases() + phase) * taps * channels;
          depthwise::convolve({rows.taps, columns.taps, columns.step},
                              {.x = x.data(),
                               .x_pixel = padded.pixel(),
                               .channels = channels,
                               .outputs = columns.outputs_of(phase),
                               .y_pixel = columns.phases() * channels},
                              w_phase, y_image + r * row_floats + phase * channels);
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
  const Int channels = x.size(3), taps = rows.taps * columns.taps, width = PaddedRows::rounded(channels);
  const RowList work{dy.size(0), dy.size(1)};
  const PaddedRows::Geometry x_rows{x.size(1),      x.size(2),         channels,
                                    columns.left(), columns.columns(), rows.taps};
  const PaddedRows::Geometry dy_rows{dy.size(1), dy.size(2), channels, 0, dy.size(2), 1};
  const Int sums = taps * width, piece_floats = 2 * sums + x_rows.floats() + dy_rows.floats();
  const Storage memory(work.pieces * piece_floats * 4);
  float* const scratch = static_cast<float*>(memory.data());
  const float *const images = x.data<float>(), *const cotangents = dy.data<float>();
  const Int x_floats = x.size(1) * x.size(2) * channels, dy_floats = dy.size(1) * dy.size(2) * channels;

  parallel_for(work.pieces, 1, [&](Int piece, Int end) {
    for (; piece < end; ++piece) {
      float *const total = scratch + piece * piece_floats, *const of_image = total + sums;
      std::fill_n(total, 2 * sums, 0.0f);
      PaddedRows padded(x_rows, of_image + sums), padded_dy(dy_rows, of_image + sums + x_rows.floats());
      std::vector<const float*> x_of(static_cast<std::size_t>(rows.taps));
      const auto add_up = [&] {
        for (Int i = 0; i < sums; ++i) total[i] += of_image[i];
        std::fill_n(of_image, sums, 0.0f);
      };
      const auto start = [&](Int image) {
        add_up();
        padded.start(images + image * x_floats);
        padded_dy.start(cotangents + image * dy_floats);
      };
      work.visit(piece, start, [&](Int r) {
        for (Int u = 0; u < rows.taps; ++u) x_of[static_cast<std::size_t>(u)] = padded.row(rows.first(r) + u);
        depthwise::correlate({rows.taps, columns.taps, columns.step},
                             {.x = x_of.data(),
                              .x_pixel = padded.pixel(),
                              .channels = width,
                              .outputs = columns.outputs,
                              .y_pixel = width},
                             padded_dy.row(r), of_image);
      });
      add_up();
    }
  });
  float* const dw = out[0].mutable_data<float>();
  for (Int tap = 0; tap < taps; ++tap)
    for (Int piece = 0; piece < work.pieces; ++piece) {
      const float* const part = scratch + piece * piece_floats + tap * width;
      for (Int c = 0; c < channels; ++c)
        dw[tap * channels + c] = piece == 0 ? part[c] : dw[tap * channels + c] + part[c];
    }
}

}  // namespace

void register_depthwise_conv2d_cpu(Registry& registry) {
  registry.add_cpu<DepthwiseConv2d>(forward);
  registry.add_cpu<DepthwiseConv2dGradX>(grad_x);
  registry.add_cpu<DepthwiseConv2dGradW>(grad_w);
}

}  // namespace sonograd
