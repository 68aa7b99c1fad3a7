#include "autograd/gradcheck_directions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/apply.h"
#include "autograd/define_op.h"
#include "autograd/gradcheck_cause.h"
#include "autograd/gradcheck_numeric.h"
#include "base/philox.h"

namespace sonograd {
namespace {

constexpr int most_kinks = 4;  // directions along which the differences may fail to settle

// s = Σ_j <u_j, y_j>, not registered: it ties several outputs into the one number that a tape starts from.
struct Pairing {
  static constexpr auto name = "pairing";
  static constexpr Saves saves{.inputs = {false, false, false, false, false, false}};
  Tensors u;

  Shape shape(const Shapes&) const { return {}; }
  template <class T>
  void reference(const std::vector<View<const T>>& ys, View<T> s) const {
    s() = 0;
    for (std::size_t j = 0; j < ys.size(); ++j) {
      const View<const T> weights = read_view<T>(u[j]);
      for_each_index(ys[j].shape, [&](const Shape& i) { s() += weights(i) * ys[j](i); });
    }
  }
  Tensors vjp(const Vjp&) const { return u; }  // the tape starts with ds = 1
};

Tensor pairing(const Tensors& ys, const Tensors& u) {
  static const OpEntry entry = [] {
    OpEntry e;
    e.name = Pairing::name;
    return e;
  }();
  return apply_any(std::make_shared<OpOf<Pairing>>(Pairing{u}), entry, ys)[0];
}

double norm(const Tensor& x) {
  const std::vector<double> v = x.values();
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
}

// Elements of the inputs looked at, one after the other.
class Direction {
 public:
  Direction(const GradientProblem& p, std::vector<std::size_t> which, const Tensors& y, std::uint64_t number)
      : p(p), which(std::move(which)), u(random_cotangents(y, 10 + number)) {
    const Tensors gradients = backward(p, p.inputs, u);
    double most = 0, longest = 0;
    std::vector<double> norms;
    for (const std::size_t k : this->which) norms.push_back(norm(gradients[k]));
    for (const double n : norms) most = std::max(most, n);
    // Every input moves so far that it counts alike, those with hardly a gradient left out of the rule.
    for (std::size_t w = 0; w < norms.size(); ++w) {
      steps.push_back(most > 0 && std::isfinite(most) ? 1 / std::max(norms[w], 1e-3 * most) : 1);
      dx.push_back(gradients[this->which[w]].values());
      longest = std::max(longest, steps[w] * std::sqrt(static_cast<double>(dx[w].size())));
    }
    for (std::size_t w = 0; w < norms.size(); ++w) {
      steps[w] /= longest;
      typical = std::hypot(typical, steps[w] * norms[w]);
      elements += static_cast<Int>(dx[w].size());
    }
    const Random random(number, "direction");
    for (Int e = 0; e < elements; ++e) up.push_back(random.words(static_cast<std::uint64_t>(e))[0] & 1);
    for (const Tensor& x : p.inputs) at.push_back(x.copy());
    for (std::size_t j = 0; j < y.size(); ++j) {
      const std::vector<double> a = u[j].values(), b = y[j].values();
      for (std::size_t i = 0; i < a.size(); ++i) scale += std::abs(a[i] * b[i]);
    }
  }

  struct Values {
    double analytic, numeric, error;
    bool settled;
  };

  // Along the part begin … end−1 of the direction.
  Values compare(Int begin, Int end) {
    double analytic = 0;
    each(begin, end, [&](std::size_t w, Int from, Int to, Int first) {
      for (Int i = from; i < to; ++i)
        analytic += dx[w][static_cast<std::size_t>(i)] * steps[w] * sign(first + i);
    });
    const Derivative d = differentiate(
        [&](double h) {
          move(begin, end, h);
          const Tensors ys = evaluate(p, at);
          double s = 0;
          for (std::size_t j = 0; j < ys.size(); ++j) {
            const std::vector<double> a = u[j].values(), b = ys[j].values();
            s = std::inner_product(a.begin(), a.end(), b.begin(), s);
          }
          return std::vector<double>{s};
        },
        scale, p.dtype(), p.tolerance);
    move(begin, end, 0);
    const double least = end - begin == elements ? typical : 0;
    return {analytic, d.value[0], relative_error(analytic, d.value[0], least, d.noise, p.tolerance),
            d.settled};
  }

  Values whole() { return compare(0, elements); }

  std::string find_element() {
    Int begin = 0, end = elements;
    while (end - begin > 1) {
      const Int middle = (begin + end) / 2;
      const Values left = compare(begin, middle), right = compare(middle, end);
      const bool in_left =
          !(std::abs(left.analytic - left.numeric) < std::abs(right.analytic - right.numeric));
      (in_left ? end : begin) = middle;
    }
    const Values found = compare(begin, end);
    std::size_t input = 0;
    Int number = 0;
    each(begin, end, [&](std::size_t w, Int from, Int, Int) {
      input = w;
      number = from;
    });
    const double step = steps[input] * sign(begin);
    const std::size_t k = p.wrt[which[input]];
    return fmt::format(
        "d <u,y> / d {}{}: {}; likely {}", p.input_name(k), index_text(number, p.inputs[k].shape()),
        compared(found.analytic / step, found.numeric / step),
        found.settled ? cause(input, begin - number) : "a kink or a jump: the differences do not settle");
  }

 private:
  // A sample of the input's elements tells the cause.
  std::string cause(std::size_t input, Int first) {
    const Int n = static_cast<Int>(dx[input].size()), count = std::min<Int>(n, 32);
    Jacobian j{p.name(which[input]), {count}, 1, {}, {}};
    for (Int c = 0; c < count; ++c) {
      const Int e = first + n * c / count;
      const Values at_element = compare(e, e + 1);
      j.analytic.push_back(at_element.analytic / (steps[input] * sign(e)));
      j.numeric.push_back(at_element.numeric / (steps[input] * sign(e)));
    }
    return likely_cause({j}, 0);
  }

  double sign(Int e) const { return up[static_cast<std::size_t>(e)] ? 1.0 : -1.0; }

  // Calls f(input, its elements' begin and end, the direction's number of its element 0).
  template <class F>
  void each(Int begin, Int end, F f) const {
    Int first = 0;
    for (std::size_t w = 0; w < dx.size(); ++w) {
      const Int n = static_cast<Int>(dx[w].size());
      const Int from = std::max<Int>(begin - first, 0), to = std::min(end - first, n);
      if (from < to) f(w, from, to, first);
      first += n;
    }
  }

  void move(Int begin, Int end, double h) {
    each(begin, end, [&](std::size_t w, Int from, Int to, Int first) {
      const std::size_t k = p.wrt[which[w]];
      with_type(p.dtype(), [&](auto zero) {
        using T = decltype(zero);
        const T* const centre = p.inputs[k].data<T>();
        T* const x = at[k].mutable_data<T>();
        for (Int i = from; i < to; ++i) x[i] = static_cast<T>(centre[i] + h * steps[w] * sign(first + i));
      });
    });
  }

  const GradientProblem& p;
  const std::vector<std::size_t> which;  // numbers in p.wrt
  const Tensors u;
  std::vector<std::vector<double>> dx;
  std::vector<double> steps;  // |v| in each input
  std::vector<bool> up;       // whether v is positive there
  Tensors at;
  double typical = 0;  // of <dx, v> for a random v
  double scale = 0;
  Int elements = 0;
};

}  // namespace

std::string GradientProblem::input_name(std::size_t input) const {
  return input < options.names.size() ? options.names[input] : fmt::format("x{}", input);
}

Tensors evaluate(const GradientProblem& p, const Tensors& inputs) {
  const NoGrad quiet;
  return p.f(inputs);
}

Tensors watched(const GradientProblem& p, Tape& tape, const Tensors& inputs) {
  Tensors leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.detach());
  for (const std::size_t k : p.wrt) tape.watch(leaves[k]);
  return leaves;
}

Tensors backward(const GradientProblem& p, const Tensors& inputs, const Tensors& u) {
  Tape tape;
  const Tensors leaves = watched(p, tape, inputs);
  Tensors ys, weights, wrt;
  const Tensors all = p.f(leaves);
  for (std::size_t j = 0; j < all.size(); ++j) {
    if (!u[j].defined()) continue;
    ys.push_back(all[j]);
    weights.push_back(u[j]);
  }
  for (const std::size_t k : p.wrt) wrt.push_back(leaves[k]);
  return tape.gradient(pairing(ys, weights), wrt);
}

Tensors random_cotangents(const Tensors& like, std::uint64_t which) {
  Tensors list;
  for (std::size_t j = 0; j < like.size(); ++j) {
    const Random random = Random(which, "cotangent").at(j);
    std::vector<double> values(static_cast<std::size_t>(like[j].elements()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 2 * random.uniform(i) - 1;
    list.push_back(Tensor::of(like[j].shape(), values, like[j].dtype(), like[j].device()));
  }
  return list;
}

std::vector<double> flattened(const Tensors& list) {
  std::vector<double> all;
  for (const Tensor& t : list) {
    const std::vector<double> values = t.values();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

void set_element(Tensor& dense, Int number, double value) {
  with_type(dense.dtype(), [&](auto zero) {
    using T = decltype(zero);
    dense.mutable_data<T>()[number] = static_cast<T>(value);
  });
}

double relative_error(double analytic, double numeric, double least, double noise, double tolerance) {
  const double size = std::max({std::abs(analytic), std::abs(numeric), least}) + noise / tolerance;
  const double error = analytic == numeric ? 0 : std::abs(analytic - numeric) / size;
  return std::isfinite(error) ? error : INFINITY;
}

std::string compared(double analytic, double numeric) {
  return fmt::format("analytic {:.9g}, numeric {:.9g}, ratio {:.6g}", analytic, numeric, analytic / numeric);
}

GradcheckResult check_directions(const GradientProblem& p, const Tensors& y) {
  GradcheckResult result{true, 0, p.tolerance, {}};
  std::vector<std::vector<std::size_t>> groups(1);
  for (std::size_t k = 0; k < p.wrt.size(); ++k) {
    if (p.wrt.size() <= few_inputs && k > 0) groups.emplace_back();
    groups.back().push_back(k);
  }
  for (const std::vector<std::size_t>& group : groups)
    for (int d = 0, kinks = 0; d < p.options.directions + kinks; ++d) {
      Direction direction(p, group, y, static_cast<std::uint64_t>(d));
      const Direction::Values whole = direction.whole();
      // Differences that do not settle, as across a relu's kink, prove nothing: another direction is taken.
      if (whole.error > p.tolerance && !whole.settled && kinks < most_kinks) {
        ++kinks;
        continue;
      }
      result.max_error = std::max(result.max_error, whole.error);
      if (whole.error <= p.tolerance) continue;
      return {false, whole.error, p.tolerance, direction.find_element()};
    }
  return result;
}

}  // namespace sonograd
