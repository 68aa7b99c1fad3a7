#pragma once
#include "ops/pad/pad.h"

namespace sonograd {

// y = x, then more, along the last axis: concat for a value that grows.
// Where x is the beginning of `buffer`, it stays where it lies and `more` is written behind it: the appends
// of a dense block copy each channel once. y is a view of the buffer; what follows x there must not be in
// use.
struct Append {
  static constexpr auto name = "append";
  static constexpr std::array arguments{"x", "more"};
  static constexpr Saves saves{.inputs = {false, false}};
  Tensor buffer = {};  // of y's shape, or with room for more channels; left out: one is made

  Shape shape(const Shape& x, const Shape& more) const {
    expect(alike_before_last(x, more), "more {} differs from x {} before the last axis", more.text(),
           x.text());
    Shape y = x;
    y[-1] += more[-1];
    if (buffer.defined())
      expect(alike_before_last(y, buffer.shape()) && y[-1] <= buffer.size(-1),
             "y {} has no room in the buffer {}", y.text(), buffer.shape().text());
    return y;
  }
  Tensor view(const Tensor& x, const Tensor& more) const {
    const Shape wanted = shape(x.shape(), more.shape());
    const Tensor room = buffer.defined() ? buffer : Tensor::empty(wanted, x.dtype(), x.device());
    const Int old = x.size(-1), all = wanted[-1];
    Tensor front = room.slice(-1, 0, old), back = room.slice(-1, old, all);
    if (x.storage() != front.storage() || x.region() != front.region()) front.assign(x);
    back.assign(more);
    return room.slice(-1, 0, all);
  }
  Tensors vjp(const Vjp& at) const {
    const Int old = at.x(0).size(-1);
    return {at.wants(0) ? slice(at.dy(), -1, 0, old) : Tensor(),
            at.wants(1) ? slice(at.dy(), -1, old, at.dy().size(-1)) : Tensor()};
  }

  static bool alike_before_last(const Shape& a, const Shape& b) {
    if (a.rank() != b.rank() || a.rank() == 0) return false;
    for (int axis = 0; axis + 1 < a.rank(); ++axis)
      if (a[axis] != b[axis]) return false;
    return true;
  }
};

inline Tensor append(const Tensor& x, const Tensor& more, const Tensor& buffer = {}) {
  return apply(Append{buffer}, x, more);
}

}  // namespace sonograd
