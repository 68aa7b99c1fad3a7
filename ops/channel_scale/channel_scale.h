#pragma once
#include "autograd/apply.h"

namespace sonograd {

// An image's shape with 1 for every axis but the first (images) and last (channels).
Shape one_per_channel(const Shape& x);

// s[n,c] = Σ_p x[n,p,c] · y[n,p,c],   p over all positions
struct ChannelDot {
  static constexpr auto name = "channel_dot";
  static constexpr std::array arguments{"x", "y"};

  Shape shape(const Shape& x, const Shape& y) const;
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
  static constexpr std::array arguments{"x", "s"};

  Shape shape(const Shape& x, const Shape& s) const;
  void reference(auto x, auto s, auto y) const {
    for_each_index(x.shape, [&](const Shape& i) {
      Shape j = Shape::filled(i.rank(), 0);
      j[0] = i[0], j[-1] = i[-1];
      y(i) = x(i) * s(j);
    });
  }
  Tensors vjp(const Vjp& at) const;
};

// dx[n,p,c] = dy[n,p,c] · s[n,c],   ds[n,c] = Σ_p dy[n,p,c] · x[n,p,c]: both in one pass over dy
struct ChannelScaleGrad {
  static constexpr auto name = "channel_scale_grad";
  static constexpr std::array arguments{"dy", "x", "s"};
  static constexpr std::array results{"dx", "ds"};

  Shapes shape(const Shape& dy, const Shape& x, const Shape& s) const;
  void reference(auto dy, auto x, auto s, auto dx, auto ds) const {
    ChannelScale{}.reference(dy, s, dx);
    ChannelDot{}.reference(dy, x, ds);
  }
  Tensors vjp(const Vjp& at) const;
};

inline Tensor channel_scale(const Tensor& x, const Tensor& s) {
  return apply(ChannelScale{}, x, s);
}
inline Tensor channel_dot(const Tensor& x, const Tensor& y) {
  return apply(ChannelDot{}, x, y);
}

}  // namespace sonograd
