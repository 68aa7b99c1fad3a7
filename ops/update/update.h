#pragma once
#include <cmath>

#include "autograd/apply.h"
#include "base/simd.h"

namespace sonograd {

// What changes weights and statistics between two steps, element by element. Each gives the new values of its
// first inputs; update_in_place() writes these over the old ones.

namespace detail {
inline void check_update(const Shape& value, std::string_view name, const Shape& other) {
  expect(other == value, "{} {} has not the shape {} of what it updates", name, other.text(), value.text());
}

// The kernels work in place: an output that is not its input is given the input's values first.
inline void begin_in_place(const Tensors& in, Tensors& out) {
  for (std::size_t k = 0; k < out.size(); ++k)
    if (out[k].storage() != in[k].storage() || out[k].region() != in[k].region()) out[k].assign(in[k]);
}
}  // namespace detail

// m' = m + (g − m)(1 − β₁),   v' = v + (g² − v)(1 − β₂),   w' = w − rate · m' / (√v' + ε)
// Kingma & Ba 2015 as Keras computes it; `rate` holds the correction for moments that began at zero.
struct AdamUpdate {
  static constexpr auto name = "adam_update";
  static constexpr std::array arguments{"w", "m", "v", "g"};
  static constexpr std::array results{"w", "m", "v"};
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7;

  template <class T>
  struct Step {
    T rate, take1, take2, epsilon;
    SONOGRAD_INLINE void operator()(T g, T& m, T& v, T& w) const {
      m += (g - m) * take1;
      v += (g * g - v) * take2;
      w -= m * rate / (std::sqrt(v) + epsilon);
    }
  };
  template <class T>
  Step<T> step() const {
    return {static_cast<T>(rate), static_cast<T>(1 - beta1), static_cast<T>(1 - beta2),
            static_cast<T>(epsilon)};
  }

  Shapes shape(const Shape& w, const Shape& m, const Shape& v, const Shape& g) const {
    detail::check_update(w, "m", m);
    detail::check_update(w, "v", v);
    detail::check_update(w, "g", g);
    return {w, m, v};
  }
  void reference(auto w, auto m, auto v, auto g, auto new_w, auto new_m, auto new_v) const {
    using T = std::remove_cvref_t<decltype(new_w[0])>;
    for (Int i = 0; i < w.elements(); ++i) {
      T a = m[i], b = v[i], c = w[i];
      step<T>()(g[i], a, b, c);
      new_m[i] = a, new_v[i] = b, new_w[i] = c;
    }
  }
};

// u' = momentum · u − rate · g,   w' = w + u'   (Keras' SGD)
struct SgdUpdate {
  static constexpr auto name = "sgd_update";
  static constexpr std::array arguments{"w", "u", "g"};
  static constexpr std::array results{"w", "u"};
  double rate = 1e-3, momentum = 0;

  template <class T>
  struct Step {
    T rate, momentum;
    SONOGRAD_INLINE void operator()(T g, T& u, T& w) const {
      u = momentum * u - rate * g;
      w += u;
    }
  };
  template <class T>
  Step<T> step() const {
    return {static_cast<T>(rate), static_cast<T>(momentum)};
  }

  Shapes shape(const Shape& w, const Shape& u, const Shape& g) const {
    detail::check_update(w, "u", u);
    detail::check_update(w, "g", g);
    return {w, u};
  }
  void reference(auto w, auto u, auto g, auto new_w, auto new_u) const {
    using T = std::remove_cvref_t<decltype(new_w[0])>;
    for (Int i = 0; i < w.elements(); ++i) {
      T a = u[i], b = w[i];
      step<T>()(g[i], a, b);
      new_u[i] = a, new_w[i] = b;
    }
  }
};

// a' = keep · a + take · x: a moving average
struct AverageUpdate {
  static constexpr auto name = "average_update";
  static constexpr std::array arguments{"a", "x"};
  double keep = 0.99, take = 0.01;

  Shape shape(const Shape& a, const Shape& x) const {
    detail::check_update(a, "x", x);
    return a;
  }
  void reference(auto a, auto x, auto new_a) const {
    using T = std::remove_cvref_t<decltype(new_a[0])>;
    for (Int i = 0; i < a.elements(); ++i)
      new_a[i] = a[i] * static_cast<T>(keep) + x[i] * static_cast<T>(take);
  }
};

// An op and its inputs, the first of which it changes.
template <class O>
struct Update {
  O op;
  Tensors inputs;
};

// Runs each update with its first inputs as outputs, as if one after the other; the gpu takes many at once.
// No tape records them.
template <class O>
void update_in_place(const std::vector<Update<O>>& updates) {
  static const OpEntry& entry = registry().at(O::name);
  std::vector<OpCall> calls;
  for (const auto& [op, inputs] : updates) {
    const auto outputs = static_cast<std::ptrdiff_t>(detail::output_count<O>());
    calls.push_back(
        {std::make_shared<OpOf<O>>(op), inputs, Tensors(inputs.begin(), inputs.begin() + outputs)});
  }
  apply_each(entry, std::move(calls));
}

}  // namespace sonograd
