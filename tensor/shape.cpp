#include "tensor/shape.h"

#include <algorithm>

#include "base/error.h"

namespace sonograd {

Shape::Shape(std::initializer_list<Int> list) {
  for (const Int size : list) push_back(size);
}

Shape Shape::filled(int rank, Int size) {
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) shape.push_back(size);
  return shape;
}

void Shape::push_back(Int size) {
  expect(rank_ < max_rank, "a shape has at most {} axes", max_rank);
  expect(size >= 0, "a size must not be negative, got {} on axis {}", size, rank_);
  sizes[rank_++] = size;
}

std::optional<Int> Shape::counted(Int each) const {
  bool none = false;
  for (const Int size : *this) {
    none = none || size == 0;
    if (__builtin_mul_overflow(each, std::max<Int>(size, 1), &each)) return {};
  }
  return none ? 0 : each;
}

void Shape::refuse(int axis) const {
  throw Error("a shape {} has no axis {}", text(), axis);
}

Int Shape::elements() const {
  const std::optional<Int> n = counted();
  if (!n) throw Error("a tensor {} has more elements than can be counted", text());
  return *n;
}

Shape Shape::without(int axis) const {
  const auto left_out = static_cast<int>(place(axis));
  Shape result;
  for (int i = 0; i < rank_; ++i)
    if (i != left_out) result.push_back(sizes[i]);
  return result;
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

std::string Shape::text() const {
  return fmt::format("[{}]", fmt::join(begin(), end(), ","));
}

Shape row_major_strides(const Shape& shape) {
  Shape strides = shape;
  Int step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

Shape broadcast_shapes(const Shape& x, const Shape& y) {
  const int rank = std::max(x.rank(), y.rank());
  Shape result = Shape::filled(rank, 1);
  for (int back = 1; back <= rank; ++back) {
    const Int a = back <= x.rank() ? x[-back] : 1;
    const Int b = back <= y.rank() ? y[-back] : 1;
    expect(a == b || a == 1 || b == 1, "{} and {} do not broadcast: axis -{} has {} against {}", x.text(),
           y.text(), back, a, b);
    result[-back] = a == 1 ? b : a;
  }
  return result;
}

}  // namespace sonograd
