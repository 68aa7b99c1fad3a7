#pragma once
#include "ops/binary/binary.h"

namespace sonograd {

// An image's shape with 1 for every axis but the first (images) and last (channels).
inline Shape one_per_channel(const Shape& x) {
  expect(x.rank() >= 2, "x {} needs a batch axis and a channel axis", x.text());
  Shape s = Shape::filled(x.rank(), 1);
  s[0] = x[0];
  s[-1] = x[-1];
  return s;
}

// s[n,c] = Σ_p x[n,p,c] · y[n,p,c],   p over all positions
struct ChannelDot {
  static constexpr auto name = "channel_dot";
  static constexpr std::array arguments{"x", "y"};

  Shape shape(const Shape& x, const Shape& y) const {
    expect(x == y, "x {} and y {} differ", x.text(), y.text());
    return one_per_channel(x);
  }
  void reference(auto x, auto y, auto s) const {
    for_each_index(s.shape, [&](const Shape& j) { s(j) = 0; });
    for_each_index(x.shape, [&](const Shape& i) {
      Shape j = Shape::filled(i.rank(), 0);
      j[0] = i[0], j[-1] = i[-1];
      s(j) += x(i) * y(i);
    });
  }
  Tensors vjp(const Vjp& at) const;
};

// y[n,p,c] = x[n,p,c] · s[n,c]   (squeeze-and-excitation's scaling, Hu et al. 2018, equation 4)
// x is [N,…,C], s the same with 1 for the positions between.
struct ChannelScale {
  static constexpr auto name = "channel_scale";
  static constexpr bool overwrites = true;
  static constexpr std::array arguments{"x", "s"};

  Shape shape(const Shape& x, const Shape& s) const {
    const Shape wanted = one_per_channel(x);
    expect(s == wanted, "s {} is not one number per image and channel, {}", s.text(), wanted.text());
    return x;
  }
  void reference(auto x, auto s, auto y) const {
    for_each_index(x.shape, [&](const Shape& i) {
      Shape j = Shape::filled(i.rank(), 0);
      j[0] = i[0], j[-1] = i[-1];
      y(i) = x(i) * s(j);
    });
  }
  Tensors vjp(const Vjp& at) const;
  Tensor again(const Vjp& at) const { return apply(*this, at.x(0), at.x(1)); }
};

// dx[n,p,c] = dy[n,p,c] · s[n,c],   ds[n,c] = Σ_p dy[n,p,c] · x[n,p,c]: both in one pass over dy
struct ChannelScaleGrad {
  static constexpr auto name = "channel_scale_grad";
  static constexpr std::array arguments{"dy", "x", "s"};
  static constexpr std::array results{"dx", "ds"};

  Shapes shape(const Shape& dy, const Shape& x, const Shape& s) const {
    expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
    return {ChannelScale{}.shape(x, s), s};
  }
  void reference(auto dy, auto x, auto s, auto dx, auto ds) const {
    ChannelScale{}.reference(dy, s, dx);
    ChannelDot{}.reference(dy, x, ds);
  }
  Tensors vjp(const Vjp& at) const;
};

inline Tensor channel_scale(Tensor x, const Tensor& s) {
  return apply_over(ChannelScale{}, std::move(x), s);
}
inline Tensor channel_dot(const Tensor& x, const Tensor& y) {
  return apply(ChannelDot{}, x, y);
}

inline Tensors ChannelDot::vjp(const Vjp& at) const {
  return {at.wants(0) ? channel_scale(at.x(1), at.dy()) : Tensor(),
          at.wants(1) ? channel_scale(at.x(0), at.dy()) : Tensor()};
}

inline Tensors ChannelScale::vjp(const Vjp& at) const {
  const Tensor &x = at.x(0), &s = at.x(1), &dy = at.dy();
  if (at.wants(0) && at.wants(1)) return apply_all(ChannelScaleGrad{}, {dy, x, s});
  return {at.wants(0) ? channel_scale(dy, s) : Tensor(), at.wants(1) ? channel_dot(dy, x) : Tensor()};
}

// dx = dy·s and ds = Σ dy·x are bilinear; g and h are the cotangents of dx and ds.
inline Tensors ChannelScaleGrad::vjp(const Vjp& at) const {
  const Tensor &dy = at.x(0), &x = at.x(1), &s = at.x(2);
  const Tensor &g = at.cotangents[0], &h = at.cotangents[1];
  const auto zeros = [](const Tensor& like) {
    return Tensor::zeros(like.shape(), like.dtype(), like.device());
  };
  Tensors gradients(3);
  if (at.wants(0)) {
    gradients[0] = g.defined() ? channel_scale(g, s) : channel_scale(x, h);
    if (g.defined() && h.defined()) gradients[0] = add(gradients[0], channel_scale(x, h));
  }
  if (at.wants(1)) gradients[1] = h.defined() ? channel_scale(dy, h) : zeros(x);
  if (at.wants(2)) gradients[2] = g.defined() ? channel_dot(g, dy) : zeros(s);
  return gradients;
}

}  // namespace sonograd
