#pragma once
#include <array>
#include <initializer_list>
#include <optional>
#include <string>

#include "base/int.h"

namespace sonograd {

// Up to six sizes, outermost first; images are [batch, height, width, channels].
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<Int> sizes);  // throws Error past max_rank or below zero
  static Shape filled(int rank, Int size);

  int rank() const { return rank_; }
  // Negative axes count from the end: shape[-1] is the channel count. Throws Error for an axis that is none.
  Int operator[](int axis) const { return sizes[place(axis)]; }
  Int& operator[](int axis) { return sizes[place(axis)]; }
  Int elements() const;  // throws Error where counted() has none
  // elements() · each; none from 2⁶³ on, or where the strides of a shape without elements would be.
  std::optional<Int> counted(Int each = 1) const;
  const Int* begin() const { return sizes.data(); }
  const Int* end() const { return sizes.data() + rank_; }
  void push_back(Int size);
  Shape without(int axis) const;

  bool operator==(const Shape& other) const;
  std::string text() const;  // [8,38,38,240]

 private:
  std::size_t place(int axis) const {
    if (axis < -rank_ || axis >= rank_) refuse(axis);
    return static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis);
  }
  [[noreturn]] void refuse(int axis) const;

  std::array<Int, max_rank> sizes{};
  int rank_ = 0;
};

using Strides = Shape;  // elements, not bytes: never negative
Shape row_major_strides(const Shape& shape);

// The shape of x op y under numpy's broadcasting; throws Error naming both shapes where they do not fit.
Shape broadcast_shapes(const Shape& x, const Shape& y);

}  // namespace sonograd
