#pragma once
#include "ops/trilinear.h"
#include "tensor/precision.h"

namespace sonograd {

// y[n,i,j,o] = Σ x[n, s·i+d·u−p, s·j+d·v−q, c] · w[u,v,c',o]     (c the c'-th channel of o's group)
// x [n,height,width,in], w [kh,kw,in/groups,out]; what lies outside of x is 0.
struct Conv2d {
  static constexpr auto name = "conv2d";
  static constexpr std::array arguments{"x", "w"};
  Pair stride{1, 1}, dilation{1, 1};
  Int groups = 1;
  Padding pad = same;
  Precision precision =
      Precision::full;  // else the factors are rounded first, which gradients take for themselves

  Shape shape(const Shape& x, const Shape& w) const {
    expect(x.rank() == 4, "x must be [n,height,width,channels], not of rank {}", x.rank());
    expect(w.rank() == 4, "w must be [kh,kw,in/groups,out], not of rank {}", w.rank());
    expect(groups > 0 && w[3] % groups == 0, "{} output channels do not split into {} groups", w[3], groups);
    expect(x[3] == w[2] * groups, "x has {} channels but w reads {}", x[3], w[2] * groups);
    const Window at = window_on(x[1], x[2], {w[0], w[1]});
    return {x[0], at.rows.outputs, at.columns.outputs, w[3]};
  }

  Window window_on(Int height, Int width, Pair kernel) const {
    return window(height, width, kernel, stride, dilation, pad);
  }

  // With one tap, stride 1 and no border it is a product of matrices: y [n,h,w, out] = x [n,h,w, in] · w [in,
  // out].
  bool is_product(const Shape& w) const {
    return w[0] == 1 && w[1] == 1 && groups == 1 && stride.height == 1 && stride.width == 1 &&
           pad.top + pad.bottom + pad.left + pad.right == 0;
  }

  // The value and both gradients visit the same triples (x, w, y); only the product differs.
  void taps(auto x, auto w, auto y, auto product) const {
    const Window at = window_on(x.size(1), x.size(2), {w.size(0), w.size(1)});
    const Int in = w.size(2), out = w.size(3) / groups;
    for (Int n = 0; n < y.size(0); ++n)
      for (Int i = 0; i < y.size(1); ++i)
        for (Int j = 0; j < y.size(2); ++j)
          for (Int u = 0; u < w.size(0); ++u)
            for (Int v = 0; v < w.size(1); ++v) {
              const Int row = at.rows.position(i, u), column = at.columns.position(j, v);
              if (!at.rows.inside(row) || !at.columns.inside(column)) continue;
              for (Int g = 0; g < groups; ++g)
                for (Int c = 0; c < in; ++c)
                  for (Int o = g * out; o < (g + 1) * out; ++o)
                    product(x(n, row, column, g * in + c), w(u, v, c, o), y(n, i, j, o));
            }
  }

  void reference(auto x, auto w, auto y) const {
    for_each_index(y.shape, [&](const Shape& i) { y(i) = 0; });
    taps(x, w, y, [this](auto& x, auto& w, auto& y) { y += factor(precision, x) * factor(precision, w); });
  }

  Int macs(const Shape&, const Shape& w, const Shape& y) const { return y.elements() * w[0] * w[1] * w[2]; }
  Tensors vjp(const Vjp& at) const;
};

// dx[n, s·i+d·u−p, s·j+d·v−q, c] = Σ w[u,v,c',o] · dy[n,i,j,o]: conv2d's gradient with respect to x, and a
// transposed convolution in its own right.
struct Conv2dGradX {
  static constexpr auto name = "conv2d_grad_x";
  static constexpr std::array arguments{"w", "dy"};
  Conv2d conv;
  Pair size;  // height and width of x

  Shape shape(const Shape& w, const Shape& dy) const {
    expect(w.rank() == 4 && dy.rank() == 4, "w and dy must be of rank 4, not {} and {}", w.rank(), dy.rank());
    const Shape x{dy[0], size.height, size.width, w[2] * conv.groups};
    const Shape y = conv.shape(x, w);
    expect(y == dy, "dy must be {} for x {}", y.text(), x.text());
    return x;
  }
  void reference(auto w, auto dy, auto dx) const {
    for_each_index(dx.shape, [&](const Shape& i) { dx(i) = 0; });
    conv.taps(dx, w, dy,
              [p = conv.precision](auto& dx, auto& w, auto& dy) { dx += factor(p, w) * factor(p, dy); });
  }
  Int macs(const Shape& w, const Shape& dy, const Shape&) const { return dy.elements() * w[0] * w[1] * w[2]; }
  Tensors vjp(const Vjp& at) const;
};

// dw[u,v,c',o] = Σ x[n, s·i+d·u−p, s·j+d·v−q, c] · dy[n,i,j,o]: conv2d's gradient with respect to w
struct Conv2dGradW {
  static constexpr auto name = "conv2d_grad_w";
  static constexpr std::array arguments{"x", "dy"};
  Conv2d conv;
  Pair kernel;  // height and width of w

  Shape shape(const Shape& x, const Shape& dy) const {
    expect(x.rank() == 4 && dy.rank() == 4, "x and dy must be of rank 4, not {} and {}", x.rank(), dy.rank());
    expect(x[3] % conv.groups == 0, "{} input channels do not split into {} groups", x[3], conv.groups);
    const Shape w{kernel.height, kernel.width, x[3] / conv.groups, dy[3]};
    const Shape y = conv.shape(x, w);
    expect(y == dy, "dy must be {} for x {} and w {}", y.text(), x.text(), w.text());
    return w;
  }
  void reference(auto x, auto dy, auto dw) const {
    for_each_index(dw.shape, [&](const Shape& i) { dw(i) = 0; });
    conv.taps(x, dw, dy,
              [p = conv.precision](auto& x, auto& dw, auto& dy) { dw += factor(p, x) * factor(p, dy); });
  }
  Int macs(const Shape&, const Shape& dy, const Shape& dw) const {
    return dy.elements() * dw[0] * dw[1] * dw[2];
  }
  Tensors vjp(const Vjp& at) const;
};

inline Tensors Conv2d::vjp(const Vjp& at) const {
  return vjp_of_convolution<Conv2dGradX, Conv2dGradW>(*this, at);
}
inline Tensors Conv2dGradX::vjp(const Vjp& at) const {
  return vjp_of_grad_x<Conv2dGradW>(conv, at);
}
inline Tensors Conv2dGradW::vjp(const Vjp& at) const {
  return vjp_of_grad_w<Conv2dGradX>(conv, at);
}

inline Tensor conv2d(const Tensor& x, const Tensor& w, const Conv2d& attributes = {}) {
  return apply(attributes, x, w);
}

}  // namespace sonograd
