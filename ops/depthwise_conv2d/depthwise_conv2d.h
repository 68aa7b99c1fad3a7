#pragma once
#include "ops/trilinear.h"

namespace sonograd {

// y[n,i,j,c] = Σ x[n, s·i+u−p, s·j+v−q, c] · w[u,v,c,0]
// x [n,height,width,c], w [kh,kw,c,1] (Keras' depthwise kernel, multiplier 1); what lies outside of x is 0.
struct DepthwiseConv2d {
  static constexpr auto name = "depthwise_conv2d";
  static constexpr std::array arguments{"x", "w"};
  Pair stride{1, 1};
  Padding pad = same;
  // Whether backward computes y again instead of the tape keeping it: with few taps that costs little more
  // than a pass over x.
  bool make_again = false;

  Shape shape(const Shape& x, const Shape& w) const {
    expect(x.rank() == 4, "x must be [n,height,width,channels], not of rank {}", x.rank());
    expect(w.rank() == 4 && w[3] == 1, "w must be [kh,kw,channels,1], not {}", w.text());
    expect(x[3] == w[2], "x has {} channels but w has {}", x[3], w[2]);
    const Window at = window_on(x[1], x[2], {w[0], w[1]});
    return {x[0], at.rows.outputs, at.columns.outputs, x[3]};
  }

  Window window_on(Int height, Int width, Pair kernel) const {
    return window(height, width, kernel, stride, {1, 1}, pad);
  }

  // The value and both gradients visit the same triples (x, w, y); only the product differs.
  void taps(auto x, auto w, auto y, auto product) const {
    const Window at = window_on(x.size(1), x.size(2), {w.size(0), w.size(1)});
    for (Int n = 0; n < y.size(0); ++n)
      for (Int i = 0; i < y.size(1); ++i)
        for (Int j = 0; j < y.size(2); ++j)
          for (Int u = 0; u < w.size(0); ++u)
            for (Int v = 0; v < w.size(1); ++v) {
              const Int row = at.rows.position(i, u), column = at.columns.position(j, v);
              if (!at.rows.inside(row) || !at.columns.inside(column)) continue;
              for (Int c = 0; c < y.size(3); ++c) product(x(n, row, column, c), w(u, v, c, 0), y(n, i, j, c));
            }
  }

  void reference(auto x, auto w, auto y) const {
    for_each_index(y.shape, [&](const Shape& i) { y(i) = 0; });
    taps(x, w, y, [](auto& x, auto& w, auto& y) { y += x * w; });
  }

  Int macs(const Shape&, const Shape& w, const Shape& y) const { return y.elements() * w[0] * w[1]; }
  Tensors vjp(const Vjp& at) const;
  Tensor again(const Vjp& at) const;
};

// dx[n, s·i+u−p, s·j+v−q, c] = Σ w[u,v,c,0] · dy[n,i,j,c]
struct DepthwiseConv2dGradX {
  static constexpr auto name = "depthwise_conv2d_grad_x";
  static constexpr std::array arguments{"w", "dy"};
  DepthwiseConv2d conv;
  Pair size;  // height and width of x

  Shape shape(const Shape& w, const Shape& dy) const {
    expect(w.rank() == 4 && dy.rank() == 4, "w and dy must be of rank 4, not {} and {}", w.rank(), dy.rank());
    const Shape x{dy[0], size.height, size.width, w[2]};
    const Shape y = conv.shape(x, w);
    expect(y == dy, "dy must be {} for x {}", y.text(), x.text());
    return x;
  }
  void reference(auto w, auto dy, auto dx) const {
    for_each_index(dx.shape, [&](const Shape& i) { dx(i) = 0; });
    conv.taps(dx, w, dy, [](auto& dx, auto& w, auto& dy) { dx += w * dy; });
  }
  Int macs(const Shape& w, const Shape& dy, const Shape&) const { return dy.elements() * w[0] * w[1]; }
  Tensors vjp(const Vjp& at) const;
};

// dw[u,v,c,0] = Σ x[n, s·i+u−p, s·j+v−q, c] · dy[n,i,j,c]
struct DepthwiseConv2dGradW {
  static constexpr auto name = "depthwise_conv2d_grad_w";
  static constexpr std::array arguments{"x", "dy"};
  DepthwiseConv2d conv;
  Pair kernel;  // height and width of w

  Shape shape(const Shape& x, const Shape& dy) const {
    expect(x.rank() == 4 && dy.rank() == 4, "x and dy must be of rank 4, not {} and {}", x.rank(), dy.rank());
    const Shape w{kernel.height, kernel.width, x[3], 1};
    const Shape y = conv.shape(x, w);
    expect(y == dy, "dy must be {} for x {} and w {}", y.text(), x.text(), w.text());
    return w;
  }
  void reference(auto x, auto dy, auto dw) const {
    for_each_index(dw.shape, [&](const Shape& i) { dw(i) = 0; });
    conv.taps(x, dw, dy, [](auto& x, auto& dw, auto& dy) { dw += x * dy; });
  }
  Int macs(const Shape&, const Shape& dy, const Shape& dw) const { return dy.elements() * dw[0] * dw[1]; }
  Tensors vjp(const Vjp& at) const;
};

inline Tensors DepthwiseConv2d::vjp(const Vjp& at) const {
  return vjp_of_convolution<DepthwiseConv2dGradX, DepthwiseConv2dGradW>(*this, at);
}
inline Tensor DepthwiseConv2d::again(const Vjp& at) const {
  return apply(*this, at.x(0), at.x(1));
}
inline Tensors DepthwiseConv2dGradX::vjp(const Vjp& at) const {
  return vjp_of_grad_x<DepthwiseConv2dGradW>(conv, at);
}
inline Tensors DepthwiseConv2dGradW::vjp(const Vjp& at) const {
  return vjp_of_grad_w<DepthwiseConv2dGradX>(conv, at);
}

inline Tensor depthwise_conv2d(const Tensor& x, const Tensor& w, const DepthwiseConv2d& attributes = {}) {
  return apply(attributes, x, w);
}

}  // namespace sonograd
