#include <doctest/doctest.h>

#include <algorithm>

#include "tensor/view.h"

using namespace sonograd;

namespace {

Tensor counted(const Shape& shape) {
  Tensor x = Tensor::empty(shape);
  float* const first = x.mutable_data<float>();
  for (Int i = 0; i < x.elements(); ++i) first[i] = static_cast<float>(i);
  return x;
}

// x's axes in another order, as a view.
Tensor reordered(const Tensor& x, const std::vector<int>& axes) {
  Shape shape, strides;
  for (const int axis : axes) {
    shape.push_back(x.size(axis));
    strides.push_back(x.strides()[axis]);
  }
  return x.view(0, shape, strides);
}

template <class T>
void check_copy(const Tensor& source, Tensor target) {
  target.assign(source);
  const View<const float> from = read_view<float>(source);
  const View<const T> to = read_view<T>(target);
  Int wrong = 0;
  for_each_index(source.shape(), [&](const Shape& i) { wrong += to(i) != static_cast<T>(from(i)); });
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("copies of every order of the axes hold the same elements") {
  const Tensor x = counted({3, 37, 5, 70});
  std::vector<int> axes{0, 1, 2, 3};
  do {
    CAPTURE(axes[0] * 1000 + axes[1] * 100 + axes[2] * 10 + axes[3]);
    const Tensor view = reordered(x, axes);
    check_copy<float>(view, Tensor::empty(view.shape()));
    check_copy<double>(view, Tensor::empty(view.shape(), DType::f64));
  } while (std::next_permutation(axes.begin(), axes.end()));
}

TEST_CASE("copies into and out of slices, broadcasts and single elements") {
  const Tensor x = counted({4, 6, 9});
  Tensor large = Tensor::zeros({4, 8, 12});
  check_copy<float>(x, large.slice(1, 1, 7).slice(2, 2, 11));
  CHECK(large.at(0) == 0);
  CHECK(large.values().back() == 0);
  check_copy<float>(x.slice(2, 3, 4), Tensor::empty({4, 6, 1}));
  check_copy<float>(x.view(0, {5, 9}, {0, 1}), Tensor::empty({5, 9}));
  check_copy<float>(x.view(0, {9, 5}, {1, 0}), Tensor::empty({9, 5}));
  check_copy<float>(x.view(7, {}, {}), Tensor::empty({}));
  check_copy<float>(x.slice(0, 2, 2), Tensor::empty({0, 6, 9}));
}

TEST_CASE("large copies and fills, which threads share") {
  const Tensor x = counted({3, 300, 301});
  check_copy<float>(x, Tensor::empty(x.shape()));
  check_copy<float>(reordered(x, {0, 2, 1}), Tensor::empty({3, 301, 300}));
  const Tensor filled = Tensor::filled({300, 1000}, 2.5);
  Int wrong = 0;
  for (const double v : filled.values()) wrong += v != 2.5;
  CHECK(wrong == 0);
}
