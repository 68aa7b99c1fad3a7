#include "ops/pooling/pooling.h"
#include "tensor/launch.h"

namespace sonograd {
namespace {

// Where x [n,height,width,c] holds an element.
struct Image {
  Int height, width, channels;
  SONOGRAD_INLINE Int at(Int n, Int row, Int column, Int c) const {
    return ((n * height + row) * width + column) * channels + c;
  }
};
Image image(const Shape& x) {
  return {x[1], x[2], x[3]};
}

void max_pool(const MaxPool2d& op, const Tensors& in, Tensors& out) {
  const PoolWindow pooling = op.pooling;
  const Image image_x = image(in[0].shape()), image_y = image(out[0].shape());
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const float* const x = in[0].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_y.height, image_y.width, image_y.channels);
    const PoolWindow::Cells cells = pooling.cells(at, p.row, p.column);
    float largest = x[image_x.at(p.n, cells.top, cells.left, p.channel)];
    for (Int h = cells.top; h < cells.bottom; ++h)
      for (Int w = cells.left; w < cells.right; ++w)
        largest = larger(largest, x[image_x.at(p.n, h, w, p.channel)]);
    y[number] = largest;
  });
}

// A thread sums an element of dx over the windows that cover it and have their first maximum there.
void max_pool_grad(const MaxPool2dGrad& op, const Tensors& in, Tensors& out) {
  const PoolWindow pooling = op.pooling;
  const Image image_x = image(in[0].shape()), image_y = image(in[1].shape());
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const float *const x = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each(in[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_x.height, image_x.width, image_x.channels);
    float sum = 0;
    for (Int i = at.rows.first_output(p.row, pooling.size.height); i <= at.rows.last_output(p.row); ++i)
      for (Int j = at.columns.first_output(p.column, pooling.size.width);
           j <= at.columns.last_output(p.column); ++j) {
        const PoolWindow::Cells cells = pooling.cells(at, i, j);
        Int best = image_x.at(p.n, cells.top, cells.left, p.channel);
        for (Int h = cells.top; h < cells.bottom; ++h)
          for (Int w = cells.left; w < cells.right; ++w) {
            const Int here = image_x.at(p.n, h, w, p.channel);
            if (x[here] > x[best]) best = here;
          }
        if (best == number) sum += dy[image_y.at(p.n, i, j, p.channel)];
      }
    dx[number] = sum;
  });
}

void average_pool(const AveragePool2d& op, const Tensors& in, Tensors& out) {
  const PoolWindow pooling = op.pooling;
  const Image image_x = image(in[0].shape()), image_y = image(out[0].shape());
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const float* const x = in[0].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_y.height, image_y.width, image_y.channels);
    const PoolWindow::Cells cells = pooling.cells(at, p.row, p.column);
    float sum = 0;
    for (Int h = cells.top; h < cells.bottom; ++h)
      for (Int w = cells.left; w < cells.right; ++w) sum += x[image_x.at(p.n, h, w, p.channel)];
    y[number] = sum / static_cast<float>(cells.count());
  });
}

void average_pool_grad(const AveragePool2dGrad& op, const Tensors& in, Tensors& out) {
  const PoolWindow pooling = op.pooling;
  const Image image_x = image(out[0].shape()), image_y = image(in[0].shape());
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const float* const dy = in[0].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_x.height, image_x.width, image_x.channels);
    float sum = 0;
    for (Int i = at.rows.first_output(p.row, pooling.size.height); i <= at.rows.last_output(p.row); ++i)
      for (Int j = at.columns.first_output(p.column, pooling.size.width);
           j <= at.columns.last_output(p.column); ++j)
        sum += dy[image_y.at(p.n, i, j, p.channel)] / static_cast<float>(pooling.cells(at, i, j).count());
    dx[number] = sum;
  });
}

}  // namespace

void register_pooling_gpu(Registry& registry) {
  registry.add_gpu<MaxPool2d>(max_pool);
  registry.add_gpu<MaxPool2dGrad>(max_pool_grad);
  registry.add_gpu<AveragePool2d>(average_pool);
  registry.add_gpu<AveragePool2dGrad>(average_pool_grad);
}

}  // namespace sonograd
