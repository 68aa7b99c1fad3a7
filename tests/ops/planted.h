#pragma once
#include <memory>

#include "autograd/apply.h"
#include "autograd/define_op.h"
#include "autograd/gradcheck.h"
#include "base/philox.h"

namespace sonograd {

using Values = std::vector<double>;
using Lists = std::vector<Values>;

// An op on plain lists of numbers; not registered.
struct Planted {
  static constexpr auto name = "planted";
  Shape result;
  std::function<Values(const Lists& x)> f;
  std::function<Lists(const Lists& x, const Values& dy)> backward;

  Shape shape(const Shapes&) const { return result; }
  template <class T>
  void reference(const std::vector<View<const T>>& xs, View<T> y) const {
    Lists lists;
    for (const auto& x : xs) {
      lists.emplace_back();
      for (Int i = 0; i < x.elements(); ++i) lists.back().push_back(x[i]);
    }
    const Values values = f(lists);
    for (Int i = 0; i < y.elements(); ++i) y[i] = static_cast<T>(values[static_cast<std::size_t>(i)]);
  }
  Tensors vjp(const Vjp& at) const {
    Lists lists;
    for (const Tensor& x : at.inputs) lists.push_back(x.values());
    const Lists dx = backward(lists, at.dy().values());
    Tensors gradients;
    for (std::size_t k = 0; k < dx.size(); ++k) {
      const bool fits = static_cast<Int>(dx[k].size()) == at.inputs[k].elements();
      gradients.push_back(
          Tensor::of(fits ? at.inputs[k].shape() : result, dx[k], DType::f64, Device::reference));
    }
    return gradients;
  }
};

template <class O>
Function function_of(O op) {
  static const OpEntry entry = [] {
    OpEntry e;
    e.name = O::name;
    return e;
  }();
  return [call = std::make_shared<OpOf<O>>(std::move(op))](const Tensors& x) {
    return apply_any(call, entry, x);
  };
}

inline Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  Values values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.3 + Random(seed).uniform(i);
  return Tensor::of(shape, values, DType::f64, Device::reference);
}

inline Tensors random_inputs(const Shapes& shapes) {
  Tensors inputs;
  for (const Shape& shape : shapes) inputs.push_back(random_tensor(shape, 5 + inputs.size()));
  return inputs;
}

inline Values map2(const Values& a, const Values& b, double (*g)(double, double)) {
  Values c;
  for (std::size_t i = 0; i < a.size(); ++i) c.push_back(g(a[i], b[i]));
  return c;
}
inline Values times(const Values& a, const Values& b) {
  return map2(a, b, [](double u, double v) { return u * v; });
}
inline Values scaled(double s, Values a) {
  for (double& v : a) v *= s;
  return a;
}
inline double total(const Values& a) {
  double s = 0;
  for (const double v : a) s += v;
  return s;
}

}  // namespace sonograd
