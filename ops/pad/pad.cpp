#include "ops/pad/pad.h"

namespace sonograd {

Shape Pad::shape(const Shape& x) const {
  const auto rank = static_cast<std::size_t>(x.rank());
  expect(before.size() == rank && after.size() == rank, "x {} needs {} amounts on each side, got {} and {}",
         x.text(), rank, before.size(), after.size());
  Shape y = x;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    expect(before[axis] >= 0 && after[axis] >= 0, "axis {} cannot be padded by {} and {}", axis, before[axis],
           after[axis]);
    y[static_cast<int>(axis)] += before[axis] + after[axis];
  }
  return y;
}

Tensors Pad::vjp(const Vjp& at) const {
  std::vector<Int> end = before;
  for (std::size_t axis = 0; axis < end.size(); ++axis) end[axis] += at.x().size(static_cast<int>(axis));
  return {apply(Slice{before, end}, at.dy())};
}

Shape Slice::shape(const Shape& x) const {
  const auto rank = static_cast<std::size_t>(x.rank());
  expect(begin.size() == rank && end.size() == rank, "x {} needs {} ranges, got {}", x.text(), rank,
         begin.size());
  Shape y = x;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const Int size = x[static_cast<int>(axis)];
    expect(0 <= begin[axis] && begin[axis] <= end[axis] && end[axis] <= size, "{}:{} leaves axis {} of x {}",
           begin[axis], end[axis], axis, x.text());
    y[static_cast<int>(axis)] = end[axis] - begin[axis];
  }
  return y;
}

Tensor Slice::view(const Tensor& x) const {
  Int offset = 0;
  for (std::size_t axis = 0; axis < begin.size(); ++axis)
    offset += begin[axis] * x.strides()[static_cast<int>(axis)];
  return x.view(offset, shape(x.shape()), x.strides());
}

Tensors Slice::vjp(const Vjp& at) const {
  std::vector<Int> after;
  for (std::size_t axis = 0; axis < end.size(); ++axis)
    after.push_back(at.x().size(static_cast<int>(axis)) - end[axis]);
  return {apply(Pad{begin, after}, at.dy())};
}

Tensor slice(const Tensor& x, int axis, Int begin, Int end) {
  if (axis < 0) axis += x.rank();
  Slice op;
  for (int k = 0; k < x.rank(); ++k) {
    op.begin.push_back(k == axis ? begin : 0);
    op.end.push_back(k == axis ? end : x.size(k));
  }
  return apply(op, x);
}

void register_pad(Registry& registry) {
  registry.add<Pad>(
      {.equation = "y[i] = x[i - before] inside x, else 0",
       .linear = {0},
       .good = {sample("pad: stride 2, even size", Pad{{0, 0, 0, 0}, {0, 1, 1, 0}}, {uniform({2, 4, 4, 3})}),
                sample("pad: both sides", Pad{{0, 3, 3, 0}, {0, 3, 3, 0}}, {uniform({1, 2, 3, 2})}),
                sample("pad: channels", Pad{{0, 2}, {0, 3}}, {uniform({3, 4})}),
                sample("pad: nothing", Pad{{0, 0}, {0, 0}}, {uniform({3, 4})})},
       .bad = {refused(Pad{{0}, {0}}, {{2, 3}}, "x [2,3] needs 2 amounts on each side, got 1 and 1"),
               refused(Pad{{0, -1}, {0, 0}}, {{2, 3}}, "axis 1 cannot be padded by -1 and 0")}});
  registry.add<Slice>(
      {.equation = "y[i] = x[i + begin]",
       .linear = {0},
       .good = {sample("slice: channels", Slice{{0, 0, 0, 1}, {2, 3, 3, 3}}, {uniform({2, 3, 3, 4})}),
                sample("slice: rows", Slice{{1, 0}, {3, 4}}, {uniform({4, 4})}),
                sample("slice: one element", Slice{{1, 2}, {2, 3}}, {uniform({3, 4})}),
                sample("slice: everything", Slice{{0, 0}, {3, 4}}, {uniform({3, 4})})},
       .bad = {refused(Slice{{0, 2}, {2, 5}}, {{2, 4}}, "2:5 leaves axis 1 of x [2,4]"),
               refused(Slice{{0}, {1}}, {{2, 4}}, "needs 2 ranges, got 1")}});
}

}  // namespace sonograd
