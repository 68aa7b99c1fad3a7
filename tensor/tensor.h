#pragma once
#include <memory>
#include <vector>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

namespace sonograd {

struct TapeState;  // autograd/tape_state.h

// A typed strided view of pooled storage. Copies share elements. Images are [batch, height, width, channels],
// convolution weights [kernel height, kernel width, in, out], dense weights [in, out].
class Tensor {
 public:
  Tensor() = default;  // undefined: no storage, no shape
  // For the gpu these and to() throw Error where none can be used, saying why.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
  static Tensor filled(const Shape& shape, double value, DType dtype = DType::f32,
                       Device device = Device::cpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
  // Values in row-major order; throws where their number is not the shape's.
  static Tensor of(const Shape& shape, const std::vector<double>& values, DType dtype = DType::f32,
                   Device device = Device::cpu);

  bool defined() const { return defined_; }
  bool has_data() const { return storage_ != nullptr; }
  const Shape& shape() const { return region_.shape; }
  const Strides& strides() const { return region_.strides; }
  Int offset() const { return region_.offset; }
  int rank() const { return shape().rank(); }
  Int size(int axis) const { return shape()[axis]; }
  Int elements() const { return shape().elements(); }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  bool dense() const;  // row-major without gaps

  // First element, of a tensor that is not on the gpu. T must be the tensor's type. mutable_data records that
  // the view is written: backward refuses a saved value that was written over.
  template <class T>
  const T* data() const {
    check_access(dtype_of<T>, false);
    return static_cast<const T*>(storage_->data()) + offset();
  }
  template <class T>
  T* mutable_data() {
    check_access(dtype_of<T>, false);
    storage_->record_write(region_);
    return static_cast<T*>(storage_->data()) + offset();
  }
  // The same of a tensor on the gpu, for kernels there: host code cannot read or write at these addresses.
  template <class T>
  const T* gpu_data() const {
    check_access(dtype_of<T>, true);
    return static_cast<const T*>(storage_->data()) + offset();
  }
  template <class T>
  T* mutable_gpu_data() {
    check_access(dtype_of<T>, true);
    storage_->record_write(region_);
    return static_cast<T*>(storage_->data()) + offset();
  }

  // Views and copies; no tape records these or knows what they return, even where nothing had to be copied
  // (ops/pad, ops/reshape … are the recorded forms).
  // `offset` counts from this view's first element. Strides of 0 repeat elements, and elements outside of
  // this view may be reached: throws Error where they lie outside of the storage.
  Tensor view(Int offset, const Shape& shape, const Strides& strides) const;
  Tensor slice(int axis, Int begin, Int end) const;
  Tensor reshaped(const Shape& shape) const;  // dense tensors only
  Tensor copy() const;                        // dense, of its own storage
  Tensor as_dense() const { return dense() ? detach() : copy(); }
  Tensor to(DType dtype) const;
  // Reference and cpu share memory: only the label changes. From the gpu it waits for the values.
  Tensor to(Device device) const;
  Tensor detach() const;              // the same elements, unknown to any tape
  Tensor without_data() const;        // shape, type and device alone
  void assign(const Tensor& source);  // copies source's elements into this view (in-place write)
  void fill(double value);

  double item() const;  // the value of a tensor with one element
  double at(Int row_major_index) const;
  std::vector<double> values() const;  // row-major

  // What autograd keeps on a tensor: the tape that knows it and its number there.
  const std::shared_ptr<TapeState>& tape() const { return tape_; }
  Int node() const { return node_; }
  void set_node(std::shared_ptr<TapeState> tape, Int node);

  const std::shared_ptr<Storage>& storage() const { return storage_; }
  // Whether no other tensor, view or tape holds its elements.
  bool sole_owner() const { return storage_.use_count() == 1; }
  const Region& region() const { return region_; }

 private:
  void check_access(DType asked, bool by_gpu) const;

  std::shared_ptr<Storage> storage_;
  Region region_;
  DType dtype_ = DType::f32;
  Device device_ = Device::cpu;
  std::shared_ptr<TapeState> tape_;
  Int node_ = -1;
  bool defined_ = false;
};

using Tensors = std::vector<Tensor>;
using Shapes = std::vector<Shape>;

}  // namespace sonograd
