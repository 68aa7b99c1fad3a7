#pragma once
#include "tensor/tensor.h"

namespace sonograd {

// What a reference kernel reads and writes: x(n, i, j, c). No bounds are checked; the shape rule has run
// before.
template <class T>
struct View {
  T* first = nullptr;
  Shape shape;
  Strides strides;

  Int size(int axis) const { return shape[axis]; }
  Int elements() const { return shape.elements(); }

  template <class... Index>
  T& operator()(Index... index) const {
    Int offset = 0;
    int axis = 0;
    ((offset += static_cast<Int>(index) * strides[axis++]), ...);
    return first[offset];
  }
  T& operator()(const Shape& index) const {
    Int offset = 0;
    for (int axis = 0; axis < index.rank(); ++axis) offset += index[axis] * strides[axis];
    return first[offset];
  }
  // The element with this row-major number.
  T& operator[](Int number) const {
    Int offset = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      offset += number % shape[axis] * strides[axis];
      number /= shape[axis];
    }
    return first[offset];
  }
};

template <class T>
View<const T> read_view(const Tensor& x) {
  return {x.data<T>(), x.shape(), x.strides()};
}
template <class T>
View<T> write_view(Tensor& x) {
  return {x.mutable_data<T>(), x.shape(), x.strides()};
}

// Calls f(index) for every index of the shape, in row-major order.
template <class F>
void for_each_index(const Shape& shape, F&& f) {
  if (shape.elements() == 0) return;
  Shape index = Shape::filled(shape.rank(), 0);
  while (true) {
    f(static_cast<const Shape&>(index));
    int axis = shape.rank() - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

}  // namespace sonograd
