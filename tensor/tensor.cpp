#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>

#include "tensor/view.h"

namespace sonograd {
namespace {

// Row by row along the last axis, so that copies of channel slices move whole runs of channels.
template <class From, class To>
void copy_elements(const Tensor& source, Tensor& target) {
  const From* const from = source.data<From>();
  To* const to = target.mutable_data<To>();
  if (source.rank() == 0) {
    *to = static_cast<To>(*from);
    return;
  }
  const Shape rows = source.shape().without(-1);
  const Int width = source.size(-1);
  const Int step_from = source.strides()[-1], step_to = target.strides()[-1];
  for_each_index(rows, [&](const Shape& row) {
    Int a = 0, b = 0;
    for (int axis = 0; axis < row.rank(); ++axis) {
      a += row[axis] * source.strides()[axis];
      b += row[axis] * target.strides()[axis];
    }
    for (Int i = 0; i < width; ++i) to[b + i * step_to] = static_cast<To>(from[a + i * step_from]);
  });
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor t;
  t.storage_ = std::make_shared<Storage>(shape.elements() * size_of(dtype));
  t.region_ = {0, shape, row_major_strides(shape)};
  t.dtype_ = dtype;
  t.device_ = device;
  t.defined_ = true;
  return t;
}

Tensor Tensor::filled(const Shape& shape, double value, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  t.fill(value);
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  return filled(shape, 0.0, dtype, device);
}

Tensor Tensor::of(const Shape& shape, const std::vector<double>& values, DType dtype, Device device) {
  expect(static_cast<Int>(values.size()) == shape.elements(), "{} values do not fill a tensor of shape {}",
         values.size(), shape.text());
  Tensor t = empty(shape, dtype, device);
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::transform(values.begin(), values.end(), t.mutable_data<T>(),
                   [](double v) { return static_cast<T>(v); });
  });
  return t;
}

bool Tensor::dense() const {
  return strides() == row_major_strides(shape()) || elements() <= 1;
}

Tensor Tensor::view(Int offset, const Shape& shape, const Strides& strides) const {
  expect(strides.rank() == shape.rank(), "a view of shape {} needs as many strides, got {}", shape.text(),
         strides.text());
  Tensor t = *this;
  t.region_ = {region_.offset + offset, shape, strides};
  t.tape_ = nullptr;
  t.node_ = -1;
  return t;
}

Tensor Tensor::slice(int axis, Int begin, Int end) const {
  if (axis < 0) axis += rank();
  expect(0 <= begin && begin <= end && end <= size(axis), "slice {}:{} leaves axis {} of {}", begin, end,
         axis, shape().text());
  Shape part = shape();
  part[axis] = end - begin;
  return view(begin * strides()[axis], part, strides());
}

Tensor Tensor::reshaped(const Shape& shape) const {
  expect(shape.elements() == elements(), "cannot reshape {} to {}: {} elements against {}",
         this->shape().text(), shape.text(), elements(), shape.elements());
  expect(dense(), "only a dense tensor can be reshaped without a copy, {} has strides {}",
         this->shape().text(), strides().text());
  return view(0, shape, row_major_strides(shape));
}

Tensor Tensor::copy() const {
  Tensor t = empty(shape(), dtype(), device());
  t.assign(*this);
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape(), dtype, device());
  t.assign(*this);
  return t;
}

Tensor Tensor::to(Device device) const {
  expect(device != Device::gpu && device_ != Device::gpu, "this build has no gpu device");
  Tensor t = *this;
  t.device_ = device;
  return t;
}

Tensor Tensor::detach() const {
  Tensor t = *this;
  t.tape_ = nullptr;
  t.node_ = -1;
  return t;
}

Tensor Tensor::without_data() const {
  Tensor t = detach();
  t.storage_ = nullptr;
  return t;
}

void Tensor::assign(const Tensor& source) {
  expect(source.shape() == shape(), "cannot copy {} into {}", source.shape().text(), shape().text());
  with_type(source.dtype(), [&](auto from) {
    with_type(dtype(), [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if (std::is_same_v<From, To> && dense() && source.dense())
        std::memcpy(mutable_data<To>(), source.data<From>(),
                    static_cast<std::size_t>(elements() * size_of(dtype())));
      else
        copy_elements<From, To>(source, *this);
    });
  });
}

void Tensor::fill(double value) {
  with_type(dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View<T> target = write_view<T>(*this);
    if (dense())
      std::fill_n(target.first, elements(), static_cast<T>(value));
    else
      for_each_index(shape(), [&](const Shape& index) { target(index) = static_cast<T>(value); });
  });
}

double Tensor::item() const {
  expect(elements() == 1, "item() wants one element, the tensor has shape {}", shape().text());
  return at(0);
}

double Tensor::at(Int number) const {
  return with_type(dtype(),
                   [&](auto zero) { return static_cast<double>(read_view<decltype(zero)>(*this)[number]); });
}

std::vector<double> Tensor::values() const {
  const Tensor wide = to(DType::f64).as_dense();
  return {wide.data<double>(), wide.data<double>() + elements()};
}

void Tensor::set_node(std::shared_ptr<TapeState> tape, Int node) {
  tape_ = std::move(tape);
  node_ = node;
}

void Tensor::check_access(DType asked) const {
  expect(storage_ != nullptr, "the elements of this tensor {} were not kept", shape().text());
  expect(asked == dtype_, "the tensor holds {}, not {}", name_of(dtype_), name_of(asked));
}

}  // namespace sonograd
