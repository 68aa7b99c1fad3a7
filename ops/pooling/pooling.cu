#include "ops/pooling/pooling.h"
#include "tensor/gpu/launch_fours.h"

namespace sonograd {
namespace {

// A thread takes n neighbouring channels at once, 4 where there are such, whose index it computes once.
template <class T, int n>
struct alignas(n * sizeof(T)) Group {
  T of[n];
};
template <int n>
const Group<float, n>* read_groups(const Tensor& x) {
  return reinterpret_cast<const Group<float, n>*>(x.gpu_data<float>());
}
template <int n>
Group<float, n>* write_groups(Tensor& x) {
  return reinterpret_cast<Group<float, n>*>(x.mutable_gpu_data<float>());
}

// Where x [n,height,width,groups of channels] holds a group.
struct Image {
  Int height, width, groups;
  SONOGRAD_INLINE Int at(Int n, Int row, Int column, Int group) const {
    return ((n * height + row) * width + column) * groups + group;
  }
};
Image image(const Shape& x, int channels_of_a_group) {
  return {x[1], x[2], x[3] / channels_of_a_group};
}

template <int n>
void max_pool(const PoolWindow& pooling, const Tensors& in, Tensors& out) {
  const Image image_x = image(in[0].shape(), n), image_y = image(out[0].shape(), n);
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const auto* const x = read_groups<n>(in[0]);
  auto* const y = write_groups<n>(out[0]);
  gpu::for_each(out[0].elements() / n, [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_y.height, image_y.width, image_y.groups);
    const PoolWindow::Cells cells = pooling.cells(at, p.row, p.column);
    Group<float, n> largest = x[image_x.at(p.n, cells.top, cells.left, p.channel)];
    for (Int h = cells.top; h < cells.bottom; ++h)
      for (Int w = cells.left; w < cells.right; ++w) {
        const Group<float, n> here = x[image_x.at(p.n, h, w, p.channel)];
        for (int k = 0; k < n; ++k) largest.of[k] = larger(largest.of[k], here.of[k]);
      }
    y[number] = largest;
  });
}

// Each window's first maximum, then each element's sum over the windows that cover it and have theirs there.
// A place is its number in the image modulo 2^32, which tells the cells of a window apart.
template <int n>
void max_pool_grad(const PoolWindow& pooling, const Tensors& in, Tensors& out) {
  using Places = Group<std::uint32_t, n>;
  const Image image_x = image(in[0].shape(), n), image_y = image(in[1].shape(), n);
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const auto *const x = read_groups<n>(in[0]), *const dy = read_groups<n>(in[1]);
  auto* const dx = write_groups<n>(out[0]);
  const Int windows = in[1].elements() / n;
  const Storage kept(windows * static_cast<Int>(sizeof(Places)), true);
  auto* const maxima = static_cast<Places*>(kept.data());
  gpu::for_each(windows, [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_y.height, image_y.width, image_y.groups);
    const PoolWindow::Cells cells = pooling.cells(at, p.row, p.column);
    Group<float, n> largest = x[image_x.at(p.n, cells.top, cells.left, p.channel)];
    Places first;
    for (int k = 0; k < n; ++k)
      first.of[k] = static_cast<std::uint32_t>(cells.top * image_x.width + cells.left);
    for (Int h = cells.top; h < cells.bottom; ++h)
      for (Int w = cells.left; w < cells.right; ++w) {
        const Group<float, n> here = x[image_x.at(p.n, h, w, p.channel)];
        for (int k = 0; k < n; ++k)
          if (here.of[k] > largest.of[k]) {
            largest.of[k] = here.of[k];
            first.of[k] = static_cast<std::uint32_t>(h * image_x.width + w);
          }
      }
    maxima[number] = first;
  });
  gpu::for_each(out[0].elements() / n, [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_x.height, image_x.width, image_x.groups);
    const auto here = static_cast<std::uint32_t>(p.row * image_x.width + p.column);
    const Int last_row = at.rows.last_output(p.row), last_column = at.columns.last_output(p.column),
              first_column = at.columns.first_output(p.column, pooling.size.width);
    Group<float, n> sum{};
    for (Int i = at.rows.first_output(p.row, pooling.size.height); i <= last_row; ++i)
      for (Int j = first_column; j <= last_column; ++j) {
        const Int window = image_y.at(p.n, i, j, p.channel);
        const Places first = maxima[window];
        const Group<float, n> given = dy[window];
        for (int k = 0; k < n; ++k)
          if (first.of[k] == here) sum.of[k] += given.of[k];
      }
    dx[number] = sum;
  });
}

template <int n>
void average_pool(const PoolWindow& pooling, const Tensors& in, Tensors& out) {
  const Image image_x = image(in[0].shape(), n), image_y = image(out[0].shape(), n);
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const auto* const x = read_groups<n>(in[0]);
  auto* const y = write_groups<n>(out[0]);
  gpu::for_each(out[0].elements() / n, [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_y.height, image_y.width, image_y.groups);
    const PoolWindow::Cells cells = pooling.cells(at, p.row, p.column);
    Group<float, n> sum{};
    for (Int h = cells.top; h < cells.bottom; ++h)
      for (Int w = cells.left; w < cells.right; ++w) {
        const Group<float, n> here = x[image_x.at(p.n, h, w, p.channel)];
        for (int k = 0; k < n; ++k) sum.of[k] += here.of[k];
      }
    for (int k = 0; k < n; ++k) sum.of[k] /= static_cast<float>(cells.count());
    y[number] = sum;
  });
}

template <int n>
void average_pool_grad(const PoolWindow& pooling, const Tensors& in, Tensors& out) {
  const Image image_x = image(out[0].shape(), n), image_y = image(in[0].shape(), n);
  const Window at = pooling.window_on(image_x.height, image_x.width);
  const auto* const dy = read_groups<n>(in[0]);
  auto* const dx = write_groups<n>(out[0]);
  gpu::for_each(out[0].elements() / n, [=] __device__(Int number) {
    const gpu::Pixel p = gpu::pixel(number, image_x.height, image_x.width, image_x.groups);
    const Int last_row = at.rows.last_output(p.row), last_column = at.columns.last_output(p.column),
              first_column = at.columns.first_output(p.column, pooling.size.width);
    Group<float, n> sum{};
    for (Int i = at.rows.first_output(p.row, pooling.size.height); i <= last_row; ++i)
      for (Int j = first_column; j <= last_column; ++j) {
        const Group<float, n> given = dy[image_y.at(p.n, i, j, p.channel)];
        const auto count = static_cast<float>(pooling.cells(at, i, j).count());
        for (int k = 0; k < n; ++k) sum.of[k] += given.of[k] / count;
      }
    dx[number] = sum;
  });
}

using Kernel = void(const PoolWindow&, const Tensors&, Tensors&);
template <class O, Kernel* four, Kernel* one>
void run(const O& op, const Tensors& in, Tensors& out) {
  const auto fours = [](const Tensor& x) { return gpu::in_fours(x.size(-1), x.gpu_data<float>()); };
  (std::all_of(in.begin(), in.end(), fours) && fours(out[0]) ? four : one)(op.pooling, in, out);
}

}  // namespace

void register_pooling_gpu(Registry& registry) {
  registry.add_gpu<MaxPool2d>(run<MaxPool2d, max_pool<4>, max_pool<1>>);
  registry.add_gpu<MaxPool2dGrad>(run<MaxPool2dGrad, max_pool_grad<4>, max_pool_grad<1>>);
  registry.add_gpu<AveragePool2d>(run<AveragePool2d, average_pool<4>, average_pool<1>>);
  registry.add_gpu<AveragePool2dGrad>(run<AveragePool2dGrad, average_pool_grad<4>, average_pool_grad<1>>);
}

}  // namespace sonograd
