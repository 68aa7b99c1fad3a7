#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y[n,i,j,c] = x[n, i div k, j div k, c]   (nearest neighbour; Keras' UpSampling2D)
struct Upsample {
  static constexpr auto name = "upsample";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  Int factor = 2;

  Shape shape(const Shape& x) const {
    expect(x.rank() == 4, "x {} is not [batch, height, width, channels]", x.text());
    expect(factor >= 1, "the factor must be at least 1, got {}", factor);
    return {x[0], x[1] * factor, x[2] * factor, x[3]};
  }
  void reference(auto x, auto y) const {
    for_each_index(y.shape, [&](const Shape& i) { y(i) = x(i[0], i[1] / factor, i[2] / factor, i[3]); });
  }
  Tensors vjp(const Vjp& at) const;
};

// dx[n,i,j,c] = Σ dy[n, k·i+u, k·j+v, c] over u, v < k
struct UpsampleGrad {
  static constexpr auto name = "upsample_grad";
  static constexpr std::array arguments{"dy"};
  static constexpr Saves saves{.inputs = {false}};
  Int factor = 2;

  Shape shape(const Shape& dy) const {
    expect(dy.rank() == 4, "dy {} is not [batch, height, width, channels]", dy.text());
    expect(factor >= 1 && dy[1] % factor == 0 && dy[2] % factor == 0,
           "height and width of dy {} are no multiples of the factor {}", dy.text(), factor);
    return {dy[0], dy[1] / factor, dy[2] / factor, dy[3]};
  }
  void reference(auto dy, auto dx) const {
    for_each_index(dx.shape, [&](const Shape& i) { dx(i) = 0; });
    for_each_index(dy.shape, [&](const Shape& i) { dx(i[0], i[1] / factor, i[2] / factor, i[3]) += dy(i); });
  }
  Tensors vjp(const Vjp& at) const { return {apply(Upsample{factor}, at.dy())}; }
};

inline Tensors Upsample::vjp(const Vjp& at) const {
  return {apply(UpsampleGrad{factor}, at.dy())};
}

// [N,H,W,C] -> [N,kH,kW,C]
inline Tensor upsample(const Tensor& x, Int factor = 2) {
  return apply(Upsample{factor}, x);
}

}  // namespace sonograd
