#pragma once
#include "base/philox.h"
#include "tensor/tensor.h"

namespace sonograd {

// How fresh values of a parameter are drawn (Keras' initialisers; the fans are the layer's to state).
struct Init {
  enum class Kind { constant, uniform, normal, truncated_normal };
  Kind kind = Kind::constant;
  double scale = 0;  // the constant, the uniform's limit, the normals' standard deviation before truncation

  static Init zeros() { return {}; }
  static Init ones() { return {Kind::constant, 1}; }
  // U(-l, l) with l = sqrt(6 / (fan_in + fan_out))  (Glorot & Bengio 2010, eq. 16)
  static Init glorot_uniform(Int fan_in, Int fan_out);
  // Normal of variance scale / fan, cut at two standard deviations (He et al. 2015; Keras' VarianceScaling)
  static Init variance_scaling(double scale, Int fan);
};

// Fills `values` in place; element i is a function of the random stream and i alone.
void initialise(Tensor& values, const Init& init, const Random& random);

}  // namespace sonograd
