#pragma once
#include <string_view>

#include "tensor/error.h"
#include "tensor/math.h"

namespace sonograd {

// Elementwise functions: f(x) and its derivative df(x), each over an arithmetic m (tensor/math.h). A new
// function is one struct here and one line in unary.cpp.

struct Identity {
  static constexpr auto name = "identity";
  template <class T>
  SONOGRAD_INLINE static T f(auto, T x) {
    return x;
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T) {
    return T(1);
  }
};

// max(x, 0); the derivative at 0 is 0
struct ReluFunction {
  static constexpr auto name = "relu";
  static constexpr auto equation = "y = max(x, 0)";
  template <class T>
  SONOGRAD_INLINE static T f(auto, T x) {
    return x > 0 ? x : T(0);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T x) {
    return x > 0 ? T(1) : T(0);
  }
};

// 1 / (1 + exp(-x))
struct SigmoidFunction {
  static constexpr auto name = "sigmoid";
  static constexpr auto equation = "y = 1 / (1 + exp(-x))";
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return T(1) / (T(1) + m.exp(-x));
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    const T s = f(m, x);
    return s * (T(1) - s);
  }
};

// x · sigmoid(x)
struct SwishFunction {
  static constexpr auto name = "swish";
  static constexpr auto equation = "y = x / (1 + exp(-x))";
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return x * SigmoidFunction::f(m, x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    const T s = SigmoidFunction::f(m, x);
    return s * (T(1) + x * (T(1) - s));
  }
};

// The activations that fused ops and layers know by name.
enum class Activation { none, relu, sigmoid, swish };

constexpr std::string_view name_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::relu:
      return "relu";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::swish:
      return "swish";
  }
  return "unknown";
}

// Calls g(F{}) with the function's struct: the one place where an activation's name becomes code.
template <class G>
decltype(auto) with_activation(Activation activation, G&& g) {
  switch (activation) {
    case Activation::relu:
      return g(ReluFunction{});
    case Activation::sigmoid:
      return g(SigmoidFunction{});
    case Activation::swish:
      return g(SwishFunction{});
    default:
      return g(Identity{});
  }
}

}  // namespace sonograd
