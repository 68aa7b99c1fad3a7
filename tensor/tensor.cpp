#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>

#include "base/parallel.h"
#include "base/simd.h"
#include "tensor/gpu/gpu.h"
#include "tensor/loops.h"
#include "tensor/out_of_memory.h"
#include "tensor/view.h"

namespace sonograd {
namespace {

constexpr Int grain = 65536;  // elements; loaders copy smaller ones on threads of their own

template <class From, class To>
SONOGRAD_CLONES void copy_run(Int n, const From* from, Int step_from, To* to, Int step_to) {
  if (std::is_same_v<From, To> && step_from == 1 && step_to == 1)
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(To));
  else if (step_from == 1 && step_to == 1)
    for (Int i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
  else if (step_to == 1)
    for (Int i = 0; i < n; ++i) to[i] = static_cast<To>(from[i * step_from]);
  else
    for (Int i = 0; i < n; ++i) to[i * step_to] = static_cast<To>(from[i * step_from]);
}

// to[j, i] = from[i, j] for i < rows, j < columns, where `from` is contiguous along i and `to` along j: in
// square tiles, so that both are read and written in whole cache lines.
template <class From, class To>
SONOGRAD_CLONES void copy_transposed(Int rows, Int columns, const From* from, Int step_from, To* to,
                                     Int step_to) {
  constexpr Int tile = 8;
  for (Int i0 = 0; i0 < rows; i0 += tile)
    for (Int j0 = 0; j0 < columns; j0 += tile)
      for (Int i = i0; i < std::min(rows, i0 + tile); ++i)
        for (Int j = j0; j < std::min(columns, j0 + tile); ++j)
          to[i * step_to + j] = static_cast<To>(from[i + j * step_from]);
}

// The axis other than the last along which the source is contiguous, where the last is not; -1 if there is
// none.
int transposed_axis(const Tensor& source, const Tensor& target) {
  const int last = source.rank() - 1;
  if (last < 1 || target.strides()[last] != 1 || source.strides()[last] <= 1 || source.size(last) < 4)
    return -1;
  for (int axis = 0; axis < last; ++axis)
    if (source.strides()[axis] == 1 && source.size(axis) >= 4) return axis;
  return -1;
}

template <class From, class To>
void copy_elements(const Tensor& source, Tensor& target) {
  const From* const from = source.data<From>();
  To* const to = target.mutable_data<To>();
  const int across = transposed_axis(source, target);
  if (across < 0) {
    const Loops<2> loops(source.shape(), {source.strides(), target.strides()});
    parallel_for(loops.elements(), grain, [&](Int begin, Int end) {
      loops.runs(begin, end, [&](const auto& at, Int n) {
        copy_run(n, from + at[0], loops.step(0), to + at[1], loops.step(1));
      });
    });
    return;
  }
  const Int rows = source.size(across), columns = source.size(-1);
  Shape planes = source.shape();
  planes[across] = planes[-1] = 1;
  const Loops<2> loops(planes, {source.strides(), target.strides()});
  constexpr Int strip = 64;  // rows of a plane that one thread copies in turn
  const Int strips = (rows + strip - 1) / strip, step_from = source.strides()[-1],
            step_to = target.strides()[across];
  parallel_for(loops.elements() * strips, grain / std::max<Int>(1, strip * columns), [&](Int begin, Int end) {
    for (Int item = begin; item < end; ++item) {
      const auto at = loops.at(item / strips);
      const Int first = item % strips * strip;
      copy_transposed(std::min(strip, rows - first), columns, from + at[0] + first, step_from,
                      to + at[1] + first * step_to, step_to);
    }
  });
}

// Between the host and the gpu, or on the gpu. What crosses is dense and of one type on both sides.
void copy_by_gpu(const Tensor& source, Tensor& target) {
  if (source.device() == target.device()) return gpu::copy(source, target);
  const bool up = target.device() == Device::gpu;
  const Tensor from = source.to(target.dtype()).as_dense();
  Tensor to = target.dense() ? target : Tensor::empty(target.shape(), target.dtype(), target.device());
  with_type(to.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Int bytes = to.elements() * size_of(to.dtype());
    if (up)
      gpu::upload(to.mutable_gpu_data<T>(), from.data<T>(), bytes);
    else
      gpu::download(to.mutable_data<T>(), from.gpu_data<T>(), bytes);
  });
  if (!target.dense()) target.assign(to);
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  if (device == Device::gpu)
    expect(gpu::why_not().empty(), "{}; use the cpu or the reference", gpu::why_not());
  Tensor t;
  Int bytes = 0;
  if (__builtin_mul_overflow(shape.elements(), size_of(dtype), &bytes))
    throw Error("a tensor {} has more bytes than can be counted", shape.text());
  t.storage_ = allocating([&] { return shape.text(); },
                          [&] { return std::make_shared<Storage>(bytes, device == Device::gpu); });
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
  if (device == Device::gpu) return of(shape, values, dtype).to(device);
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
  if (storage_ && shape.elements() > 0) {
    const auto [first, last] = t.region_.span();
    const Int held = storage_->bytes() / size_of(dtype_);
    expect(0 <= first && last < held, "a view {} of elements {} … {} leaves the storage's {}", shape.text(),
           first, last, held);
  }
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
  if (dtype == dtype_) return detach();
  Tensor t = empty(shape(), dtype, device());
  t.assign(*this);
  return t;
}

Tensor Tensor::to(Device device) const {
  if (has_data() && device != device_ && (device == Device::gpu || device_ == Device::gpu)) {
    Tensor t = empty(shape(), dtype(), device);
    t.assign(*this);
    return t;
  }
  Tensor t = detach();
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
  if (device_ == Device::gpu || source.device() == Device::gpu) return copy_by_gpu(source, *this);
  with_type(source.dtype(), [&](auto from) {
    with_type(dtype(), [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      copy_elements<From, To>(source, *this);
    });
  });
}

void Tensor::fill(double value) {
  if (device_ == Device::gpu) return gpu::fill(*this, value);
  with_type(dtype(), [&](auto zero) {
    using T = decltype(zero);
    const View<T> target = write_view<T>(*this);
    if (dense())
      parallel_for(elements(), grain, [&](Int begin, Int end) {
        std::fill(target.first + begin, target.first + end, static_cast<T>(value));
      });
    else
      for_each_index(shape(), [&](const Shape& index) { target(index) = static_cast<T>(value); });
  });
}

double Tensor::item() const {
  expect(elements() == 1, "item() wants one element, the tensor has shape {}", shape().text());
  return at(0);
}

double Tensor::at(Int number) const {
  expect(0 <= number && number < elements(), "a tensor {} has no element {}", shape().text(), number);
  if (device_ == Device::gpu) return to(Device::cpu).at(number);
  return with_type(dtype(),
                   [&](auto zero) { return static_cast<double>(read_view<decltype(zero)>(*this)[number]); });
}

std::vector<double> Tensor::values() const {
  const Tensor wide = (device_ == Device::gpu ? to(Device::cpu) : *this).to(DType::f64).as_dense();
  return {wide.data<double>(), wide.data<double>() + elements()};
}

void Tensor::set_node(std::shared_ptr<TapeState> tape, Int node) {
  tape_ = std::move(tape);
  node_ = node;
}

void Tensor::check_access(DType asked, bool by_gpu) const {
  expect(storage_ != nullptr, "the elements of this tensor {} were not kept", shape().text());
  expect(asked == dtype_, "the tensor holds {}, not {}", name_of(dtype_), name_of(asked));
  const bool there = device_ == Device::gpu;
  if (there && !by_gpu)
    throw Error("the elements of the tensor {} are on the gpu; copy them with to(Device::cpu) first",
                shape().text());
  if (by_gpu && !there)
    throw Error("the tensor {} is not on the gpu; move it there with to(Device::gpu)", shape().text());
}

}  // namespace sonograd
