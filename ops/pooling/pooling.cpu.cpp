#include "ops/pooling/pooling.h"
#include "base/parallel.h"
#include "base/simd.h"

namespace sonograd {
namespace {

// Channels lie next to each other: each cell of a window is a run of C values.
SONOGRAD_CLONES void copy_run(Int n, const float* x, float* y) {
  for (Int c = 0; c < n; ++c) y[c] = x[c];
}
SONOGRAD_CLONES void max_run(Int n, const float* x, float* y) {
  for (Int c = 0; c < n; ++c) y[c] = larger(y[c], x[c]);
}
SONOGRAD_CLONES void add_run(Int n, const float* x, float* y) {
  for (Int c = 0; c < n; ++c) y[c] += x[c];
}
SONOGRAD_CLONES void scale_run(Int n, float factor, const float* x, float* y) {
  for (Int c = 0; c < n; ++c) y[c] = x[c] * factor;
}
// Where x is the maximum and dy has not been given away yet, it goes to dx.
SONOGRAD_CLONES void give_run(Int n, const float* x, const float* largest, float* left, float* dx) {
  for (Int c = 0; c < n; ++c) {
    const bool here = x[c] == largest[c];
    dx[c] += here ? left[c] : 0.0f;
    left[c] = here ? 0.0f : left[c];
  }
}

// visit(cell) for the first element of each cell of a window in an image whose rows are `pitch` long.
template <class F>
void for_cells(const PoolWindow::Cells& cells, Int pitch, Int channels, F visit) {
  for (Int h = cells.top; h < cells.bottom; ++h)
    for (Int w = cells.left; w < cells.right; ++w) visit(h * pitch + w * channels);
}

// Forward: first(cell, y) on the first cell, next(cell, y) on the others, last(count, y). One output row at a
// time.
template <class First, class Next, class Last>
void pool(const PoolWindow& pooling, const Tensor& x, Tensor& y, First first, Next next, Last last) {
  const Window at = pooling.window_on(x.size(1), x.size(2));
  const Int channels = x.size(3), pitch = x.size(2) * channels, image = x.size(1) * pitch, rows = y.size(1),
            columns = y.size(2);
  const float* from = x.data<float>();
  float* to = y.mutable_data<float>();
  parallel_for(x.size(0) * rows, 16384 / (columns * channels + 1), [=, &pooling](Int begin, Int end) {
    for (Int row = begin; row < end; ++row)
      for (Int j = 0; j < columns; ++j) {
        const PoolWindow::Cells cells = pooling.cells(at, row % rows, j);
        const float* source = from + row / rows * image;
        float* target = to + (row * columns + j) * channels;
        first(source + cells.top * pitch + cells.left * channels, target);
        Int number = 0;
        for_cells(cells, pitch, channels, [&](Int cell) {
          if (number++ > 0) next(source + cell, target);
        });
        last(cells.count(), target);
      }
  });
}

void max_pool(const MaxPool2d& op, const Tensors& in, Tensors& out) {
  const Int channels = in[0].size(3);
  pool(
      op.pooling, in[0], out[0], [=](const float* x, float* y) { copy_run(channels, x, y); },
      [=](const float* x, float* y) { max_run(channels, x, y); }, [](Int, float*) {});
}

void average_pool(const AveragePool2d& op, const Tensors& in, Tensors& out) {
  const Int channels = in[0].size(3);
  pool(
      op.pooling, in[0], out[0], [=](const float* x, float* y) { copy_run(channels, x, y); },
      [=](const float* x, float* y) { add_run(channels, x, y); },
      [=](Int count, float* y) { scale_run(channels, 1.0f / static_cast<float>(count), y, y); });
}

// Backward: windows overlap, so a thread has an image to itself, or a block of its channels where there are
// fewer images than threads, and sets rows to zero as the windows come to them, while they are in the cache.
// f(cells, image's first element, window's first element, channels, room for twice as many) for every window.
template <class F>
void for_image_blocks(const PoolWindow& pooling, const Tensor& dy, Tensor& dx, F f) {
  const Window at = pooling.window_on(dx.size(1), dx.size(2));
  const Int channels = dx.size(3), image = dx.size(1) * dx.size(2) * channels, rows = dy.size(1),
            columns = dy.size(2), most = dx.size(0) < threads() ? 64 : std::max<Int>(channels, 1),
            blocks = (channels + most - 1) / most;
  const Int height = dx.size(1), width = dx.size(2);
  float* to = dx.mutable_data<float>();
  parallel_for(dx.size(0) * blocks, 1, [=, &pooling](Int begin, Int end) {
    std::vector<float> room(static_cast<std::size_t>(2 * most));
    for (Int piece = begin; piece < end; ++piece) {
      const Int n = piece / blocks, c = piece % blocks * most, count = std::min(most, channels - c);
      Int cell = 0;  // the first that is not zero yet
      const auto zero_rows = [&](Int bottom) {
        for (; cell < bottom * width; ++cell) std::fill_n(to + n * image + cell * channels + c, count, 0.0f);
      };
      for (Int i = 0; i < rows; ++i) {
        if (columns > 0) zero_rows(pooling.cells(at, i, 0).bottom);
        for (Int j = 0; j < columns; ++j)
          f(pooling.cells(at, i, j), n * image + c, ((n * rows + i) * columns + j) * channels + c, count,
            room.data());
      }
      zero_rows(height);
    }
  });
}

void max_pool_grad(const MaxPool2dGrad& op, const Tensors& in, Tensors& out) {
  const float *x = in[0].data<float>(), *dy = in[1].data<float>();
  const Int channels = in[0].size(3), pitch = in[0].size(2) * channels;
  float* dx = out[0].mutable_data<float>();
  for_image_blocks(
      op.pooling, in[1], out[0],
      [=](const PoolWindow::Cells& cells, Int image, Int output, Int count, float* largest) {
        float* const left = largest + count;
        copy_run(count, x + image + cells.top * pitch + cells.left * channels, largest);
        copy_run(count, dy + output, left);
        for_cells(cells, pitch, channels, [&](Int cell) { max_run(count, x + image + cell, largest); });
        for_cells(cells, pitch, channels,
                  [&](Int cell) { give_run(count, x + image + cell, largest, left, dx + image + cell); });
      });
}

void average_pool_grad(const AveragePool2dGrad& op, const Tensors& in, Tensors& out) {
  const float* dy = in[0].data<float>();
  const Int channels = out[0].size(3), pitch = out[0].size(2) * channels;
  float* dx = out[0].mutable_data<float>();
  for_image_blocks(op.pooling, in[0], out[0],
                   [=](const PoolWindow::Cells& cells, Int image, Int output, Int count, float* share) {
                     scale_run(count, 1.0f / static_cast<float>(cells.count()), dy + output, share);
                     for_cells(cells, pitch, channels,
                               [&](Int cell) { add_run(count, share, dx + image + cell); });
                   });
}

}  // namespace

void register_pooling_cpu(Registry& registry) {
  registry.add_cpu<MaxPool2d>(max_pool);
  registry.add_cpu<MaxPool2dGrad>(max_pool_grad);
  registry.add_cpu<AveragePool2d>(average_pool);
  registry.add_cpu<AveragePool2dGrad>(average_pool_grad);
}

}  // namespace sonograd
