#include "ops/append/append.h"

namespace sonograd {
namespace {

bool alike_before_last(const Shape& a, const Shape& b) {
  if (a.rank() != b.rank() || a.rank() == 0) return false;
  for (int axis = 0; axis + 1 < a.rank(); ++axis)
    if (a[axis] != b[axis]) return false;
  return true;
}

}  // namespace

Shape Append::shape(const Shape& x, const Shape& more) const {
  expect(alike_before_last(x, more), "more {} differs from x {} before the last axis", more.text(), x.text());
  Shape y = x;
  y[-1] += more[-1];
  if (buffer.defined())
    expect(alike_before_last(y, buffer.shape()) && y[-1] <= buffer.size(-1),
           "y {} has no room in the buffer {}", y.text(), buffer.shape().text());
  return y;
}

Tensor Append::view(const Tensor& x, const Tensor& more) const {
  const Shape wanted = shape(x.shape(), more.shape());
  const Tensor room = buffer.defined() ? buffer : Tensor::empty(wanted, x.dtype(), x.device());
  const Int old = x.size(-1), all = wanted[-1];
  Tensor front = room.slice(-1, 0, old), back = room.slice(-1, old, all);
  if (x.storage() != front.storage() || x.region() != front.region()) front.assign(x);
  back.assign(more);
  return room.slice(-1, 0, all);
}

void register_append(Registry& registry) {
  registry.add<Append>(
      {.equation = "y = x, then more, along the last axis",
       .linear = {},
       .good = {sample("append: channels", Append{}, {uniform({2, 3, 3, 4}), uniform({2, 3, 3, 2})}),
                sample("append: a row", Append{}, {uniform({3}), uniform({1})}),
                sample("append: nothing", Append{}, {uniform({2, 0}), uniform({2, 3})})},
       .bad = {refused(Append{}, {{2, 3}, {3, 3}}, "more [3,3] differs from x [2,3] before the last axis"),
               refused(Append{Tensor::empty({2, 4})}, {{2, 3}, {2, 2}},
                       "y [2,5] has no room in the buffer [2,4]")}});
}

}  // namespace sonograd
