#include "layers/init.h"

#include <cmath>

#include "base/parallel.h"

namespace sonograd {

Init Init::glorot_uniform(Int fan_in, Int fan_out) {
  return {Kind::uniform, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out))};
}

Init Init::variance_scaling(double scale, Int fan) {
  constexpr double deviation_after_truncation = 0.87962566103423978;  // of a standard normal cut at ±2
  return {Kind::truncated_normal, std::sqrt(scale / static_cast<double>(fan)) / deviation_after_truncation};
}

void initialise(Tensor& values, const Init& init, const Random& random) {
  if (init.kind == Init::Kind::constant) return values.fill(init.scale);
  const auto draw = [&](std::uint64_t i) {
    switch (init.kind) {
      case Init::Kind::uniform:
        return init.scale * (2 * random.uniform(i) - 1);
      case Init::Kind::normal:
        return init.scale * random.normal(i);
      default:
        return init.scale * random.truncated_normal(i);
    }
  };
  Tensor drawn = Tensor::empty(values.shape(), values.dtype());  // on the host, wherever the values go
  with_type(values.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* const data = drawn.mutable_data<T>();
    parallel_for(values.elements(), 4096, [&](Int begin, Int end) {
      for (Int i = begin; i < end; ++i) data[i] = static_cast<T>(draw(static_cast<std::uint64_t>(i)));
    });
  });
  values.assign(drawn);
}

}  // namespace sonograd
