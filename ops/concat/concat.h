#pragma once
#include "ops/pad/pad.h"

namespace sonograd {

// y = x0, then x1, then … along one axis
struct Concat {
  static constexpr auto name = "concat";
  static constexpr Saves saves{.inputs = {false}};
  int axis = -1;

  Shape shape(const Shapes& xs) const {
    expect(!xs.empty(), "there is nothing to concatenate");
    Shape y = xs[0];
    const int along = axis < 0 ? axis + y.rank() : axis;
    expect(0 <= along && along < y.rank(), "x0 {} has no axis {}", y.text(), axis);
    for (std::size_t k = 1; k < xs.size(); ++k) {
      bool fits = xs[k].rank() == y.rank();
      for (int a = 0; fits && a < y.rank(); ++a) fits = a == along || xs[k][a] == y[a];
      expect(fits, "x{} {} differs from x0 {} beside axis {}", k, xs[k].text(), xs[0].text(), along);
      y[along] += xs[k][along];
    }
    return y;
  }
  void reference(auto xs, auto y) const {
    const int along = axis < 0 ? axis + y.shape.rank() : axis;
    Int begin = 0;
    for (const auto& x : xs) {
      for_each_index(x.shape, [&](const Shape& i) {
        Shape j = i;
        j[along] += begin;
        y(j) = x(i);
      });
      begin += x.size(along);
    }
  }
  Tensors vjp(const Vjp& at) const {
    const int along = axis < 0 ? axis + at.dy().rank() : axis;
    Tensors gradients;
    Int begin = 0;
    for (std::size_t k = 0; k < at.inputs.size(); ++k) {
      const Int end = begin + at.inputs[k].size(along);
      gradients.push_back(at.wanted[k] ? slice(at.dy(), along, begin, end) : Tensor());
      begin = end;
    }
    return gradients;
  }
};

void concat_by_copies(const Concat& op, const Tensors& in, Tensors& out);  // on any fast device

inline Tensor concat(const Tensors& xs, int axis = -1) {
  return apply_all(Concat{axis}, xs)[0];
}

}  // namespace sonograd
