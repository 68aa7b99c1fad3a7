#include "tensor/gpu/launch_fours.h"
#include "tensor/loops.h"
#include "tensor/precision.h"

namespace sonograd::gpu {
namespace {

// to[…] = convert(from[…]) for each element of the shape.
template <class From, class To, class Convert>
void move(const Shape& shape, const From* from, const Strides& from_strides, To* to,
          const Strides& to_strides, Convert convert) {
  struct Moved {
    From value;
    Int at;
  };
  const Loops<2> loops(shape, {from_strides, to_strides});
  for_each(
      loops.elements(),
      [=] __device__(Int i) {
        const auto at = loops.at(i);
        return Moved{from[at[0]], at[1]};
      },
      [=] __device__(Int, const Moved& moved) { to[moved.at] = convert(moved.value); });
}

// The heads of attention, say, are permuted, but each one's channels stay side by side.
bool move_fours(const Tensor& source, Tensor& target) {
  const Strides from = strides_of_fours(source), to = strides_of_fours(target);
  if (from.rank() == 0 || to.rank() == 0) return false;
  move(shape_of_fours(source.shape()), fours(source.gpu_data<float>()), from,
       fours(target.mutable_gpu_data<float>()), to, [] __device__(const Four& x) { return x; });
  return true;
}

template <class From, class To>
void copy_elements(const Tensor& source, Tensor& target) {
  const From* const from = source.gpu_data<From>();
  To* const to = target.mutable_gpu_data<To>();
  if (std::is_same_v<From, To> && source.dense() && target.dense()) {
    const auto bytes = static_cast<std::size_t>(source.elements()) * sizeof(To);
    if (bytes > 0)
      check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()), "cudaMemcpyAsync",
            {static_cast<Int>(bytes), "bytes on the gpu"});
    return;
  }
  if constexpr (std::is_same_v<From, float> && std::is_same_v<To, float>)
    if (move_fours(source, target)) return;
  move(source.shape(), from, source.strides(), to, target.strides(),
       [] __device__(From x) { return static_cast<To>(x); });
}

template <class T>
void fill_elements(Tensor& target, T value) {
  T* const to = target.mutable_gpu_data<T>();
  const Loops<1> loops(target.shape(), {target.strides()});
  for_each(loops.elements(), [=] __device__(Int i) { to[loops.at(i)[0]] = value; });
}

template <class Type>
void round_elements(const Tensor& source, Tensor& target) {
  move(source.shape(), source.gpu_data<float>(), source.strides(), target.mutable_gpu_data<float>(),
       target.strides(), [] __device__(float x) { return Type::value(Type::bits(x)); });
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
