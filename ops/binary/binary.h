#pragma once
#include "base/simd.h"
#include "ops/sum_to/sum_to.h"

namespace sonograd {

// z[i] = f(x[i], y[i]) under numpy's broadcasting.
// Both x and y are inputs here and z is the output, so the cotangent that a vjp is given, at.dy(), is dz. F
// names the function f; its vjp gives dx and dy = dz · ∂f/∂y.
template <class F>
struct Binary {
  static constexpr auto name = F::name;
  static constexpr std::array arguments{"x", "y"};
  static constexpr Saves saves = F::saves;
  static constexpr bool overwrites = true;

  Shape shape(const Shape& x, const Shape& y) const { return broadcast_shapes(x, y); }

  void reference(auto x, auto y, auto z) const {
    for_each_index(z.shape, [&](const Shape& i) {
      z(i) = F::f(x(SumTo::source_index(i, x.shape)), y(SumTo::source_index(i, y.shape)));
    });
  }

  Tensors vjp(const Vjp& at) const { return F::vjp(at); }
};

struct AddFunction;
struct SubtractFunction;
struct MultiplyFunction;
struct DivideFunction;
using Add = Binary<AddFunction>;
using Subtract = Binary<SubtractFunction>;
using Multiply = Binary<MultiplyFunction>;
using Divide = Binary<DivideFunction>;

struct AddFunction {
  static constexpr auto name = "add";
  static constexpr Saves saves{.inputs = {false, false}};
  SONOGRAD_INLINE static auto f(auto x, auto y) { return x + y; }
  // dx = dz, dy = dz
  static Tensors vjp(const Vjp& at) {
    const Tensor &x = at.x(0), &y = at.x(1), &dz = at.dy();
    return {at.wants(0) ? sum_to(dz, x.shape()) : Tensor(), at.wants(1) ? sum_to(dz, y.shape()) : Tensor()};
  }
};

struct SubtractFunction {
  static constexpr auto name = "subtract";
  static constexpr Saves saves{.inputs = {false, false}};
  SONOGRAD_INLINE static auto f(auto x, auto y) { return x - y; }
  // dx = dz, dy = −dz
  static Tensors vjp(const Vjp& at);
};

struct MultiplyFunction {
  static constexpr auto name = "multiply";
  static constexpr Saves saves{};
  SONOGRAD_INLINE static auto f(auto x, auto y) { return x * y; }
  // dx = dz · y, dy = dz · x
  static Tensors vjp(const Vjp& at) {
    const Tensor &x = at.x(0), &y = at.x(1), &dz = at.dy();
    return {at.wants(0) ? sum_to(apply(Multiply{}, dz, y), x.shape()) : Tensor(),
            at.wants(1) ? sum_to(apply(Multiply{}, dz, x), y.shape()) : Tensor()};
  }
};

struct DivideFunction {
  static constexpr auto name = "divide";
  static constexpr Saves saves{};
  SONOGRAD_INLINE static auto f(auto x, auto y) { return x / y; }
  // dx = dz / y, dy = −dz · x / y²
  static Tensors vjp(const Vjp& at) {
    const Tensor &x = at.x(0), &y = at.x(1), &dz = at.dy();
    const Tensor dz_over_y = apply(Divide{}, dz, y);
    const Tensor zero = Tensor::zeros({}, x.dtype(), x.device());
    return {at.wants(0) ? sum_to(dz_over_y, x.shape()) : Tensor(),
            at.wants(1) ? sum_to(apply(Subtract{}, zero, apply(Multiply{}, dz_over_y, apply(Divide{}, x, y))),
                                 y.shape())
                        : Tensor()};
  }
};

inline Tensors SubtractFunction::vjp(const Vjp& at) {
  const Tensor &x = at.x(0), &y = at.x(1), &dz = at.dy();
  const Tensor zero = Tensor::zeros({}, dz.dtype(), dz.device());
  return {at.wants(0) ? sum_to(dz, x.shape()) : Tensor(),
          at.wants(1) ? sum_to(apply(Subtract{}, zero, dz), y.shape()) : Tensor()};
}

inline Tensor add(const Tensor& x, const Tensor& y) {
  return apply(Add{}, x, y);
}
inline Tensor subtract(const Tensor& x, const Tensor& y) {
  return apply(Subtract{}, x, y);
}
inline Tensor multiply(const Tensor& x, const Tensor& y) {
  return apply(Multiply{}, x, y);
}
inline Tensor divide(const Tensor& x, const Tensor& y) {
  return apply(Divide{}, x, y);
}

// A number as a tensor of x's type and device, for add(x, scalar_like(x, 2)).
inline Tensor scalar_like(const Tensor& x, double value) {
  return Tensor::filled({}, value, x.dtype(), x.device());
}

}  // namespace sonograd
