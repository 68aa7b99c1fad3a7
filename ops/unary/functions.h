#pragma once
#include <string_view>
#include <tuple>

#include "base/error.h"
#include "base/math.h"

namespace sonograd {

// Elementwise functions: f(x), its derivative df(x) and, unless that is constant piece by piece, its second
// derivative d2f(x), each over an arithmetic m (base/math.h). They are called on an object, as a function
// may have parameters. A new function is one struct here and its name in the list UnaryFunctions.

// Where a function is smooth and finite: what its samples are made of.
enum class Domain { everywhere, off_zero, below_80, positive };

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

// max(x, 0); the derivative at 0 is 0. NaN stays NaN.
struct ReluFunction {
  static constexpr auto name = "relu";
  static constexpr auto equation = "y = max(x, 0)";
  static constexpr Domain domain = Domain::off_zero;
  template <class T>
  SONOGRAD_INLINE static T f(auto, T x) {
    return x <= 0 ? T(0) : x;
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T x) {
    return x > 0 ? T(1) : T(0);
  }
};

// x where x >= 0, slope · x elsewhere; at 0 the derivative is taken from below, as TensorFlow and PyTorch do
struct LeakyReluFunction {
  static constexpr auto name = "leaky_relu";
  static constexpr auto equation = "y = x where x >= 0, slope * x elsewhere";
  static constexpr Domain domain = Domain::off_zero;
  double slope = 0.2;
  template <class T>
  SONOGRAD_INLINE T f(auto, T x) const {
    return x >= 0 ? x : static_cast<T>(slope) * x;
  }
  template <class T>
  SONOGRAD_INLINE T df(auto, T x) const {
    return x > 0 ? T(1) : static_cast<T>(slope);
  }
};

// 1 / (1 + exp(-x))
struct SigmoidFunction {
  static constexpr auto name = "sigmoid";
  static constexpr auto equation = "y = 1 / (1 + exp(-x))";
  static constexpr Domain domain = Domain::everywhere;
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return m.reciprocal(T(1) + m.exp(-x));
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    const T s = f(m, x);
    return s * (T(1) - s);
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto m, T x) {
    const T s = f(m, x);
    return s * (T(1) - s) * (T(1) - 2 * s);
  }
};

// x · sigmoid(x)
struct SwishFunction {
  static constexpr auto name = "swish";
  static constexpr auto equation = "y = x / (1 + exp(-x))";
  static constexpr Domain domain = Domain::everywhere;
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return x * SigmoidFunction::f(m, x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    const T s = SigmoidFunction::f(m, x);
    return s * (T(1) + x * (T(1) - s));
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto m, T x) {
    const T s = SigmoidFunction::f(m, x);
    return s * (T(1) - s) * (2 + x * (T(1) - 2 * s));
  }
};

// x · Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016), not its tanh approximation
struct GeluFunction {
  static constexpr auto name = "gelu";
  static constexpr auto equation = "y = x * (1 + erf(x / sqrt(2))) / 2";
  static constexpr Domain domain = Domain::everywhere;
  template <class T>
  SONOGRAD_INLINE static T normal_cdf(auto m, T x) {
    return T(0.5) * (T(1) + m.erf(x * static_cast<T>(0.70710678118654752440)));
  }
  template <class T>
  SONOGRAD_INLINE static T normal_density(auto m, T x) {
    return static_cast<T>(0.39894228040143267794) * m.exp(T(-0.5) * x * x);
  }
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return x * normal_cdf(m, x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    return normal_cdf(m, x) + x * normal_density(m, x);
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto m, T x) {
    return normal_density(m, x) * (2 - x * x);
  }
};

struct TanhFunction {
  static constexpr auto name = "tanh";
  static constexpr auto equation = "y = tanh(x)";
  static constexpr Domain domain = Domain::everywhere;
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return m.tanh(x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    const T t = m.tanh(x);
    return T(1) - t * t;
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto m, T x) {
    const T t = m.tanh(x);
    return -2 * t * (T(1) - t * t);
  }
};

struct ExpFunction {
  static constexpr auto name = "exp";
  static constexpr auto equation = "y = exp(x)";
  static constexpr Domain domain = Domain::below_80;
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return m.exp(x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    return m.exp(x);
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto m, T x) {
    return m.exp(x);
  }
};

struct LogFunction {
  static constexpr auto name = "log";
  static constexpr auto equation = "y = log(x)";
  static constexpr Domain domain = Domain::positive;
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return m.log(x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T x) {
    return T(1) / x;
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto, T x) {
    return T(-1) / (x * x);
  }
};

struct SqrtFunction {
  static constexpr auto name = "sqrt";
  static constexpr auto equation = "y = sqrt(x)";
  static constexpr Domain domain = Domain::positive;
  template <class T>
  SONOGRAD_INLINE static T f(auto m, T x) {
    return m.sqrt(x);
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto m, T x) {
    return T(0.5) / m.sqrt(x);
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto m, T x) {
    return T(-0.25) / (x * m.sqrt(x));
  }
};

struct SquareFunction {
  static constexpr auto name = "square";
  static constexpr auto equation = "y = x * x";
  static constexpr Domain domain = Domain::everywhere;
  template <class T>
  SONOGRAD_INLINE static T f(auto, T x) {
    return x * x;
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T x) {
    return 2 * x;
  }
  template <class T>
  SONOGRAD_INLINE static T d2f(auto, T) {
    return T(2);
  }
};

struct NegateFunction {
  static constexpr auto name = "negate";
  static constexpr auto equation = "y = -x";
  static constexpr Domain domain = Domain::everywhere;
  template <class T>
  SONOGRAD_INLINE static T f(auto, T x) {
    return -x;
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T) {
    return T(-1);
  }
};

// |x|; the derivative at 0 is 0
struct AbsFunction {
  static constexpr auto name = "abs";
  static constexpr auto equation = "y = |x|";
  static constexpr Domain domain = Domain::off_zero;
  template <class T>
  SONOGRAD_INLINE static T f(auto, T x) {
    return x < 0 ? -x : x;
  }
  template <class T>
  SONOGRAD_INLINE static T df(auto, T x) {
    return x > 0 ? T(1) : (x < 0 ? T(-1) : T(0));
  }
};

using UnaryFunctions =
    std::tuple<ReluFunction, LeakyReluFunction, SigmoidFunction, SwishFunction, GeluFunction, TanhFunction,
               ExpFunction, LogFunction, SqrtFunction, SquareFunction, NegateFunction, AbsFunction>;

// The activations that fused ops and layers know by name; leaky_relu's slope is then 0.2.
enum class Activation { none, relu, leaky_relu, sigmoid, tanh, swish, gelu };

// Calls g(F{}) with the function's struct: the one place where an activation's name becomes code.
template <class G>
constexpr decltype(auto) with_activation(Activation activation, G&& g) {
  switch (activation) {
    case Activation::relu:
      return g(ReluFunction{});
    case Activation::leaky_relu:
      return g(LeakyReluFunction{});
    case Activation::sigmoid:
      return g(SigmoidFunction{});
    case Activation::tanh:
      return g(TanhFunction{});
    case Activation::swish:
      return g(SwishFunction{});
    case Activation::gelu:
      return g(GeluFunction{});
    default:
      return g(Identity{});
  }
}

constexpr std::string_view name_of(Activation activation) {
  if (activation == Activation::none) return "none";
  return with_activation(activation, [](auto function) { return std::string_view(function.name); });
}

}  // namespace sonograd
