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

  Shape shape(const Shape& x, const Shape& more) const;
  Tensor view(const Tensor& x, const Tensor& more) const;
  Tensors vjp(const Vjp& at) const {
    const Int old = at.x(0).size(-1);
    return {at.wants(0) ? slice(at.dy(), -1, 0, old) : Tensor(),
            at.wants(1) ? slice(at.dy(), -1, old, at.dy().size(-1)) : Tensor()};
  }
};

inline Tensor append(const Tensor& x, const Tensor& more, const Tensor& buffer = {}) {
  return apply(Append{buffer}, x, more);
}

}  // namespace sonograd
