#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y[i] = x[i - before] where that lies inside x, else 0 (Keras' ZeroPadding2D with the amounts of its two
// spatial axes)
struct Pad {
  static constexpr auto name = "pad";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  std::vector<Int> before, after;  // zeros put on each side, per axis

  Shape shape(const Shape& x) const {
    const auto rank = static_cast<std::size_t>(x.rank());
    expect(before.size() == rank && after.size() == rank, "x {} needs {} amounts on each side, got {} and {}",
           x.text(), rank, before.size(), after.size());
    Shape y = x;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      expect(before[axis] >= 0 && after[axis] >= 0, "axis {} cannot be padded by {} and {}", axis,
             before[axis], after[axis]);
      y[static_cast<int>(axis)] += before[axis] + after[axis];
    }
    return y;
  }
  void reference(auto x, auto y) const {
    for_each_index(y.shape, [&](const Shape& i) { y(i) = 0; });
    for_each_index(x.shape, [&](const Shape& i) {
      Shape j = i;
      for (int axis = 0; axis < i.rank(); ++axis) j[axis] += before[static_cast<std::size_t>(axis)];
      y(j) = x(i);
    });
  }
  Tensors vjp(const Vjp& at) const;
  Tensor again(const Vjp& at) const { return apply(*this, at.x()); }
};

// y[i] = x[i + begin] for i below end - begin: the adjoint of padding with zeros
struct Slice {
  static constexpr auto name = "slice";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  std::vector<Int> begin, end;  // per axis; end is not part of the slice

  Shape shape(const Shape& x) const {
    const auto rank = static_cast<std::size_t>(x.rank());
    expect(begin.size() == rank && end.size() == rank, "x {} needs {} ranges, got {}", x.text(), rank,
           begin.size());
    Shape y = x;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const Int size = x[static_cast<int>(axis)];
      expect(0 <= begin[axis] && begin[axis] <= end[axis] && end[axis] <= size,
             "{}:{} leaves axis {} of x {}", begin[axis], end[axis], axis, x.text());
      y[static_cast<int>(axis)] = end[axis] - begin[axis];
    }
    return y;
  }
  Tensor view(const Tensor& x) const {
    Int offset = 0;
    for (std::size_t axis = 0; axis < begin.size(); ++axis)
      offset += begin[axis] * x.strides()[static_cast<int>(axis)];
    return x.view(offset, shape(x.shape()), x.strides());
  }
  Tensors vjp(const Vjp& at) const {
    std::vector<Int> after;
    for (std::size_t axis = 0; axis < end.size(); ++axis)
      after.push_back(at.x().size(static_cast<int>(axis)) - end[axis]);
    return {apply(Pad{begin, after}, at.dy())};
  }
};

inline Tensors Pad::vjp(const Vjp& at) const {
  std::vector<Int> end = before;
  for (std::size_t axis = 0; axis < end.size(); ++axis) end[axis] += at.x().size(static_cast<int>(axis));
  return {apply(Slice{before, end}, at.dy())};
}

void pad_by_copies(const Pad& op, const Tensors& in, Tensors& out);  // on any fast device

inline Tensor pad(const Tensor& x, const std::vector<Int>& before, const std::vector<Int>& after) {
  return apply(Pad{before, after}, x);
}
// Zeros around height and width of [batch, height, width, channels].
inline Tensor zero_pad2d(const Tensor& x, Int top, Int bottom, Int left, Int right) {
  return pad(x, {0, top, left, 0}, {0, bottom, right, 0});
}
Tensor slice(const Tensor& x, int axis, Int begin, Int end);

}  // namespace sonograd
