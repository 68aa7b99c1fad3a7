#include "tensor/tensor.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/strided.h"
#include "tensor/gpu/gpu.h"
#include "tensor/view.h"

using namespace sonograd;

namespace {
Tensor counting(const Shape& shape, DType dtype = DType::f32) {
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  return Tensor::of(shape, values, dtype);
}
using Values = std::vector<double>;
}  // namespace

TEST_CASE("tensors are made with values, filled, or zero") {
  CHECK(counting({2, 3}).values() == Values{0, 1, 2, 3, 4, 5});
  CHECK(Tensor::filled({2}, 2.5).values() == Values{2.5, 2.5});
  CHECK(Tensor::zeros({3}, DType::f64).values() == Values{0, 0, 0});
  CHECK(!Tensor().defined());
  CHECK_THROWS_WITH_AS(Tensor::of({2, 2}, {1, 2, 3}), "3 values do not fill a tensor of shape [2,2]", Error);
}

TEST_CASE("a slice is a view: it shares elements and is not dense") {
  Tensor x = counting({2, 4});
  Tensor middle = x.slice(1, 1, 3);
  CHECK(middle.shape() == Shape{2, 2});
  CHECK(middle.values() == Values{1, 2, 5, 6});
  CHECK(!middle.dense());
  middle.fill(9);
  CHECK(x.values() == Values{0, 9, 9, 3, 4, 9, 9, 7});
  CHECK(x.slice(0, 1, 2).dense());
  CHECK(x.slice(-1, 0, 0).elements() == 0);
  CHECK_THROWS_WITH_AS(x.slice(1, 2, 5), "slice 2:5 leaves axis 1 of [2,4]", Error);
}

TEST_CASE("slices of slices, copies and assignment") {
  const Tensor x = counting({3, 4, 2});
  const Tensor inner = x.slice(1, 1, 4).slice(0, 1, 3).slice(2, 1, 2);
  CHECK(inner.values() == Values{11, 13, 15, 19, 21, 23});
  const Tensor copied = inner.copy();
  CHECK(copied.dense());
  CHECK(copied.values() == inner.values());
  CHECK(copied.storage() != x.storage());
  Tensor target = Tensor::zeros({3, 4, 2}, DType::f64);
  Tensor window = target.slice(1, 1, 4).slice(0, 1, 3).slice(2, 0, 1);
  window.assign(inner);
  CHECK(target.slice(2, 0, 1).slice(0, 1, 2).values() == Values{0, 11, 13, 15});
  CHECK_THROWS_AS(window.assign(x), Error);
}

TEST_CASE("dense tensors reshape without a copy, others refuse") {
  const Tensor x = counting({2, 6});
  const Tensor y = x.reshaped({3, 4});
  CHECK(y.storage() == x.storage());
  CHECK(y.at(7) == 7);
  CHECK_THROWS_WITH_AS(x.reshaped({5}), "cannot reshape [2,6] to [5]: 12 elements against 5", Error);
  CHECK_THROWS_AS(x.slice(1, 0, 3).reshaped({6}), Error);
}

TEST_CASE("types are converted, and access under the wrong type is an error") {
  const Tensor x = Tensor::of({2}, {0.1, 3.0}, DType::f64);
  CHECK(x.to(DType::f32).values()[0] == static_cast<double>(0.1f));
  CHECK(x.to(DType::f64).storage() == x.storage());
  CHECK_THROWS_WITH_AS(x.data<float>(), "the tensor holds f64, not f32", Error);
  CHECK_THROWS_WITH_AS(x.without_data().data<double>(), "the elements of this tensor [2] were not kept",
                       Error);
  CHECK_THROWS_WITH_AS(x.item(), "item() wants one element, the tensor has shape [2]", Error);
}

TEST_CASE("the reference and the cpu share memory") {
  const Tensor x = counting({4});
  const Tensor y = x.to(Device::reference);
  CHECK(y.device() == Device::reference);
  CHECK(y.data<float>() == x.data<float>());
}

TEST_CASE("a broadcast view repeats elements with stride 0") {
  const Tensor row = counting({3});
  CHECK(row.view(0, {2, 3}, {0, 1}).values() == Values{0, 1, 2, 0, 1, 2});
}

TEST_CASE("a view may reach all of its storage and no further") {
  const Tensor row = counting({6}).slice(0, 2, 4);
  CHECK(row.view(-2, {3, 2}, {2, 1}).values() == Values{0, 1, 2, 3, 4, 5});
  CHECK(row.view(4, {0, 9}, {9, 1}).elements() == 0);
  CHECK_THROWS_WITH_AS(row.view(1, {2, 2}, {2, 1}), "a view [2,2] of elements 3 … 6 leaves the storage's 6",
                       Error);
  CHECK_THROWS_WITH_AS(row.view(-3, {2}, {1}), "a view [2] of elements -1 … 0 leaves the storage's 6", Error);
}

TEST_CASE("no tensor lies on a device that this build has not") {
  if (gpu::why_not().empty()) return;  // tests/gpu are this build's
  const std::string refusal = gpu::why_not() + "; use the cpu or the reference";
  CHECK_THROWS_WITH_AS(Tensor::zeros({2}, DType::f32, Device::gpu), refusal.c_str(), Error);
  CHECK_THROWS_WITH_AS(counting({2}).to(Device::gpu), refusal.c_str(), Error);
}

TEST_CASE("the strided layouts of the checks hold the same values") {
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{1}, Shape{2, 3}, Shape{2, 3, 4}, Shape{1, 1, 2, 1}}) {
    const Tensor x = counting(shape, DType::f64);
    for (const Tensor& view : {with_gaps(x), axes_reversed(x)}) {
      CHECK(view.shape() == shape);
      CHECK(view.values() == x.values());
    }
    CHECK((shape.elements() == 1 || !with_gaps(x).dense()));
  }
  const Tensor gaps = with_gaps(counting({2, 2}, DType::f64));
  CHECK(std::isnan(gaps.data<double>()[1]));
  CHECK(std::isnan(gaps.data<double>()[-1]));
}
