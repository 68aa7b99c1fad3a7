#pragma once
#include "autograd/apply.h"
#include "ops/larger.h"
#include "ops/window.h"

namespace sonograd {

// What max and average pooling share: which cells of x [n,height,width,c] a window covers. Cells outside of x
// belong to no window: they are no maxima, and an average counts those inside alone (Keras, TensorFlow).
struct PoolWindow {
  Pair size{2, 2}, stride{2, 2};
  Padding pad = valid;

  Window window_on(Int height, Int width) const { return window(height, width, size, stride, {1, 1}, pad); }

  Shape shape(const Shape& x) const {
    expect(x.rank() == 4, "x must be [n,height,width,channels], not of rank {}", x.rank());
    expect(
        pad.top < size.height && pad.bottom < size.height && pad.left < size.width && pad.right < size.width,
        "padding must be smaller than the window of {} by {}, else a window may lie outside of x",
        size.height, size.width);
    const Window at = window_on(x[1], x[2]);
    return {x[0], at.rows.outputs, at.columns.outputs, x[3]};
  }
  void check_gradient(const Shape& x, const Shape& dy) const {
    const Shape y = shape(x);
    expect(dy == y, "dy must be {} for x {}, not {}", y.text(), x.text(), dy.text());
  }

  // The cells of window (i, j), clipped to x: rows [top, bottom), columns [left, right).
  struct Cells {
    Int top, bottom, left, right;
    SONOGRAD_INLINE Int count() const { return (bottom - top) * (right - left); }
  };
  SONOGRAD_INLINE Cells cells(const Window& at, Int i, Int j) const {
    const Int row = at.rows.position(i, 0), column = at.columns.position(j, 0);
    return {std::max<Int>(row, 0), std::min(row + size.height, at.rows.input), std::max<Int>(column, 0),
            std::min(column + size.width, at.columns.input)};
  }

  // f(n, i, j, c, cells) for every output
  void for_windows(auto x, auto y, auto f) const {
    const Window at = window_on(x.size(1), x.size(2));
    for_each_index(y.shape, [&](const Shape& k) { f(k[0], k[1], k[2], k[3], cells(at, k[1], k[2])); });
  }
};

// y[n,i,j,c] = max over the window of x[n,h,w,c]
struct MaxPool2d {
  static constexpr auto name = "max_pool2d";
  static constexpr std::array arguments{"x"};
  PoolWindow pooling;

  Shape shape(const Shape& x) const { return pooling.shape(x); }

  void reference(auto x, auto y) const {
    pooling.for_windows(x, y, [&](Int n, Int i, Int j, Int c, PoolWindow::Cells cells) {
      auto largest = x(n, cells.top, cells.left, c);
      for (Int h = cells.top; h < cells.bottom; ++h)
        for (Int w = cells.left; w < cells.right; ++w) largest = larger(largest, x(n, h, w, c));
      y(n, i, j, c) = largest;
    });
  }

  Tensors vjp(const Vjp& at) const;
};

// dx[n,h,w,c] = Σ dy[n,i,j,c] over the windows whose first maximum, row by row, is at (h, w)
struct MaxPool2dGrad {
  static constexpr auto name = "max_pool2d_grad";
  static constexpr std::array arguments{"x", "dy"};
  PoolWindow pooling;

  Shape shape(const Shape& x, const Shape& dy) const {
    pooling.check_gradient(x, dy);
    return x;
  }

  void reference(auto x, auto dy, auto dx) const {
    for_each_index(x.shape, [&](const Shape& i) { dx(i) = 0; });
    pooling.for_windows(x, dy, [&](Int n, Int i, Int j, Int c, PoolWindow::Cells cells) {
      Int row = cells.top, column = cells.left;
      for (Int h = cells.top; h < cells.bottom; ++h)
        for (Int w = cells.left; w < cells.right; ++w)
          if (x(n, h, w, c) > x(n, row, column, c)) row = h, column = w;
      dx(n, row, column, c) += dy(n, i, j, c);
    });
  }
};

// y[n,i,j,c] = mean over the window of x[n,h,w,c]
struct AveragePool2d {
  static constexpr auto name = "average_pool2d";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  PoolWindow pooling;

  Shape shape(const Shape& x) const { return pooling.shape(x); }

  void reference(auto x, auto y) const {
    pooling.for_windows(x, y, [&](Int n, Int i, Int j, Int c, PoolWindow::Cells cells) {
      std::remove_cvref_t<decltype(y[0])> sum = 0;
      for (Int h = cells.top; h < cells.bottom; ++h)
        for (Int w = cells.left; w < cells.right; ++w) sum += x(n, h, w, c);
      y(n, i, j, c) = sum / static_cast<decltype(sum)>(cells.count());
    });
  }

  Tensors vjp(const Vjp& at) const;
};

// dx[n,h,w,c] = Σ dy[n,i,j,c] / (cells of the window) over the windows that cover (h, w)
struct AveragePool2dGrad {
  static constexpr auto name = "average_pool2d_grad";
  static constexpr std::array arguments{"dy"};
  static constexpr Saves saves{.inputs = {false}};
  PoolWindow pooling;
  Pair size;  // height and width of x

  Shape shape(const Shape& dy) const {
    expect(dy.rank() == 4, "dy must be [n,height,width,channels], not of rank {}", dy.rank());
    const Shape x{dy[0], size.height, size.width, dy[3]};
    pooling.check_gradient(x, dy);
    return x;
  }

  void reference(auto dy, auto dx) const {
    for_each_index(dx.shape, [&](const Shape& i) { dx(i) = 0; });
    pooling.for_windows(dx, dy, [&](Int n, Int i, Int j, Int c, PoolWindow::Cells cells) {
      const auto share = dy(n, i, j, c) / static_cast<std::remove_cvref_t<decltype(dx[0])>>(cells.count());
      for (Int h = cells.top; h < cells.bottom; ++h)
        for (Int w = cells.left; w < cells.right; ++w) dx(n, h, w, c) += share;
    });
  }

  Tensors vjp(const Vjp& at) const { return {apply(AveragePool2d{pooling}, at.dy())}; }
};

inline Tensors MaxPool2d::vjp(const Vjp& at) const {
  return {apply(MaxPool2dGrad{pooling}, at.x(), at.dy())};
}
inline Tensors AveragePool2d::vjp(const Vjp& at) const {
  return {apply(AveragePool2dGrad{pooling, {at.x().size(1), at.x().size(2)}}, at.dy())};
}

inline Tensor max_pool2d(const Tensor& x, const PoolWindow& pooling = {}) {
  return apply(MaxPool2d{pooling}, x);
}
inline Tensor average_pool2d(const Tensor& x, const PoolWindow& pooling = {}) {
  return apply(AveragePool2d{pooling}, x);
}

}  // namespace sonograd
