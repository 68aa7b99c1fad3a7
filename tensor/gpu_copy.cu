#include "tensor/launch.h"
#include "tensor/loops.h"
#include "tensor/precision.h"

namespace sonograd::gpu {
namespace {

template <class From, class To>
void copy_elements(const Tensor& source, Tensor& target) {
  const From* const from = source.gpu_data<From>();
  To* const to = target.mutable_gpu_data<To>();
  if (std::is_same_v<From, To> && source.dense() && target.dense()) {
    const auto bytes = static_cast<std::size_t>(source.elements()) * sizeof(To);
    if (bytes > 0)
      check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()), "cudaMemcpyAsync",
            fmt::format("{} bytes on the gpu", bytes));
    return;
  }
  const Loops<2> loops(source.shape(), {source.strides(), target.strides()});
  for_each(loops.elements(), [=] __device__(Int i) {
    const auto at = loops.at(i);
    to[at[1]] = static_cast<To>(from[at[0]]);
  });
}

template <class T>
void fill_elements(Tensor& target, T value) {
  T* const to = target.mutable_gpu_data<T>();
  const Loops<1> loops(target.shape(), {target.strides()});
  for_each(loops.elements(), [=] __device__(Int i) { to[loops.at(i)[0]] = value; });
}

template <class Type>
void round_elements(const Tensor& source, Tensor& target) {
  const float* const from = source.gpu_data<float>();
  float* const to = target.mutable_gpu_data<float>();
  const Loops<2> loops(source.shape(), {source.strides(), target.strides()});
  for_each(loops.elements(), [=] __device__(Int i) {
    const auto at = loops.at(i);
    to[at[1]] = Type::value(Type::bits(from[at[0]]));
  });
}

}  // namespace

void copy(const Tensor& source, Tensor& target) {
  const bool same = source.dtype() == target.dtype();
  if (source.dtype() == DType::f32)
    same ? copy_elements<float, float>(source, target) : copy_elements<float, double>(source, target);
  else
    same ? copy_elements<double, double>(source, target) : copy_elements<double, float>(source, target);
}

void fill(Tensor& target, double value) {
  if (target.dtype() == DType::f32)
    fill_elements(target, static_cast<float>(value));
  else
    fill_elements(target, value);
}

void round(const Tensor& source, Precision precision, Tensor& target) {
  precision == Precision::bf16 ? round_elements<Bfloat16>(source, target)
                               : round_elements<Float16>(source, target);
}

}  // namespace sonograd::gpu
