#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "autograd/apply.h"
#include "autograd/gradcheck_cause.h"
#include "autograd/gradcheck_directions.h"
#include "autograd/gradcheck_numeric.h"
#include "autograd/strided.h"

namespace sonograd {
namespace {

constexpr double same = 1e-9;  // of two f64 results that may differ in the order of a sum alone

double difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> u = a.values(), v = b.values();
  double size = 0, apart = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    size = std::max({size, std::abs(u[i]), std::abs(v[i])});
    const double d = std::abs(u[i] - v[i]);
    apart = std::isnan(d) ? (std::isnan(u[i]) == std::isnan(v[i]) ? apart : INFINITY) : std::max(apart, d);
  }
  return apart == 0 ? 0 : apart / std::max(size, std::numeric_limits<double>::min());
}

// The first element in which two tensors differ in value or in being NaN; −1: none.
Int first_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> u = a.values(), v = b.values();
  for (std::size_t i = 0; i < u.size(); ++i)
    if (!(u[i] == v[i] || (std::isnan(u[i]) && std::isnan(v[i])))) return static_cast<Int>(i);
  return -1;
}

class Checks {
 public:
  explicit Checks(const GradientProblem& p) : p(p), same_here(p.dtype() == DType::f64 ? same : p.tolerance) {}

  GradcheckResult run() {
    Int elements = 0;
    for (const std::size_t k : p.wrt) elements += p.inputs[k].elements();
    const Tensors y = evaluate(p, p.inputs);
    Int outputs = 0;
    for (const Tensor& t : y) outputs += t.elements();
    repeats(y);
    if (result.ok) zero_cotangents(y);
    if (result.ok) parts(y);
    if (result.ok) {
      if (elements <= p.options.full_limit && outputs <= p.options.full_limit)
        jacobian(y, outputs);
      else
        take(check_directions(p, y));
    }
    if (result.ok && p.options.views && elements * outputs > 0)
      for (const auto& layout : {with_gaps, axes_reversed}) strided(y, layout);
    return std::move(result);
  }

 private:
  void fail(std::string text) {
    if (result.ok) result.text = std::move(text);
    result.ok = false;
  }
  void take(GradcheckResult other) {
    result.max_error = std::max(result.max_error, other.max_error);
    if (!other.ok) fail(std::move(other.text));
  }

  void repeats(const Tensors& y) {
    const Tensors again = evaluate(p, p.inputs);
    for (std::size_t k = 0; k < y.size(); ++k)
      if (const Int i = first_difference(y[k], again[k]); i >= 0)
        return fail(fmt::format("not deterministic: y{}{} is {:.17g}, then {:.17g} from the same inputs", k,
                                index_text(i, y[k].shape()), y[k].at(i), again[k].at(i)));
    const Tensors u = random_cotangents(y, 1);
    const Tensors first = backward(p, p.inputs, u), second = backward(p, p.inputs, u);
    for (std::size_t k = 0; k < first.size(); ++k)
      if (const Int i = first_difference(first[k], second[k]); i >= 0)
        return fail(fmt::format(
            "not deterministic: the gradient of {}{} is {:.17g}, then {:.17g} in a second backward",
            p.name(k), index_text(i, first[k].shape()), first[k].at(i), second[k].at(i)));
  }

  void zero_cotangents(const Tensors& y) {
    Tensors zeros;
    for (const Tensor& t : y) zeros.push_back(Tensor::zeros(t.shape(), t.dtype(), t.device()));
    const Tensors gradients = backward(p, p.inputs, zeros);
    for (std::size_t k = 0; k < gradients.size(); ++k)
      for (Int i = 0; i < gradients[k].elements(); ++i)
        if (!(gradients[k].at(i) == 0))
          return fail(fmt::format(
              "a zero cotangent gives the gradient {:.6g} of {}{}; a term does not carry the cotangent",
              gradients[k].at(i), p.name(k), index_text(i, gradients[k].shape())));
  }

  // Backward is linear in the cotangents, so those of one output at a time add up to those of all; and an
  // input's gradient does not depend on which others are wanted.
  void parts(const Tensors& y) {
    const bool few = p.wrt.size() > 1 && p.wrt.size() <= few_inputs;
    if (y.size() < 2 && !few) return;
    const Tensors u = random_cotangents(y, 2);
    const Tensors whole = backward(p, p.inputs, u);
    if (y.size() > 1) {
      Tensors sum;
      for (std::size_t j = 0; j < y.size(); ++j) {
        Tensors one(y.size());
        one[j] = u[j];
        accumulate(sum, backward(p, p.inputs, one));
      }
      for (std::size_t k = 0; k < whole.size(); ++k)
        if (difference(whole[k], sum[k]) > same_here)
          fail(fmt::format(
              "absent cotangents: the gradients of {} from one output at a time do not add up to that from "
              "all, {:.6g} of it apart",
              p.name(k), difference(whole[k], sum[k])));
    }
    if (!few) return;
    for (std::size_t k = 0; k < whole.size(); ++k) {
      GradientProblem alone = p;
      alone.wrt = {p.wrt[k]};
      if (const double apart = difference(backward(alone, p.inputs, u)[0], whole[k]); apart > same_here)
        fail(fmt::format("the gradient of {} is another one when it alone is wanted, {:.6g} apart", p.name(k),
                         apart));
    }
  }

  void strided(const Tensors& y, Tensor (*layout)(const Tensor&)) {
    const auto laid_out = [&](const Tensors& list) {
      Tensors views;
      for (const Tensor& t : list) views.push_back(layout(t));
      return views;
    };
    const Tensors views = laid_out(p.inputs), values = evaluate(p, views);
    for (std::size_t j = 0; j < y.size(); ++j)
      if (const double apart = difference(y[j], values[j]); apart > same_here)
        fail(fmt::format("non-contiguous inputs: y{} differs from that of dense ones by {:.6g}", j, apart));
    const Tensors u = random_cotangents(y, 3);
    const Tensors dense = backward(p, p.inputs, u), gradients = backward(p, views, laid_out(u));
    for (std::size_t k = 0; k < dense.size(); ++k)
      if (const double apart = difference(dense[k], gradients[k]); apart > same_here)
        fail(
            fmt::format("non-contiguous inputs and cotangents: the gradient of {} differs from that of dense "
                        "ones by {:.6g}",
                        p.name(k), apart));
  }

  void jacobian(const Tensors& y, Int outputs) {
    const std::vector<Jacobian> all = full_jacobian(y, outputs);
    std::size_t wrong_input = 0, wrong_entry = 0;
    Int wrong = 0;
    for (std::size_t k = 0; k < all.size(); ++k)
      for (std::size_t e = 0; e < all[k].analytic.size(); ++e) {
        const double error = relative_error(all[k].analytic[e], all[k].numeric[e], 0,
                                            noise[k][e / static_cast<std::size_t>(outputs)], p.tolerance);
        wrong += error <= p.tolerance ? 0 : 1;
        if (error <= result.max_error) continue;
        result.max_error = error;
        wrong_input = k;
        wrong_entry = e;
      }
    if (wrong == 0) return;
    const Jacobian& j = all[wrong_input];
    const Int element = static_cast<Int>(wrong_entry) / outputs;
    Int output = static_cast<Int>(wrong_entry) % outputs;
    std::size_t which = 0;
    while (output >= y[which].elements()) output -= y[which++].elements();
    const bool kink = unsettled[wrong_input][static_cast<std::size_t>(element)];
    fail(fmt::format(
        "d y{}{} / d {}{}: {}; {} of {} entries wrong; likely {}",
        y.size() > 1 ? fmt::format("{}", which) : "", index_text(output, y[which].shape()), j.input,
        index_text(element, j.shape), compared(j.analytic[wrong_entry], j.numeric[wrong_entry]), wrong,
        std::accumulate(all.begin(), all.end(), Int{0},
                        [](Int n, const Jacobian& a) { return n + static_cast<Int>(a.analytic.size()); }),
        kink ? "a kink or a jump: the differences do not settle" : likely_cause(all, wrong_input)));
  }

  std::vector<Jacobian> full_jacobian(const Tensors& y, Int outputs) {
    std::vector<Jacobian> all;
    Tensors at;
    for (const Tensor& x : p.inputs) at.push_back(x.copy());
    double scale = 0;
    for (const Tensor& t : y)
      for (const double v : t.values()) scale = std::max(scale, std::abs(v));
    for (const std::size_t k : p.wrt) {
      const std::size_t n = static_cast<std::size_t>(at[k].elements());
      Jacobian j{p.input_name(k),
                 at[k].shape(),
                 outputs,
                 std::vector<double>(n * static_cast<std::size_t>(outputs)),
                 {}};
      noise.emplace_back();
      unsettled.emplace_back();
      for (Int i = 0; i < at[k].elements(); ++i) {
        const double centre = at[k].at(i);
        const Derivative d = differentiate(
            [&](double h) {
              set_element(at[k], i, centre + h);
              return flattened(evaluate(p, at));
            },
            scale, p.dtype(), p.tolerance);
        set_element(at[k], i, centre);
        j.numeric.insert(j.numeric.end(), d.value.begin(), d.value.end());
        noise.back().push_back(d.noise);
        unsettled.back().push_back(!d.settled);
      }
      all.push_back(std::move(j));
    }
    analytic_rows(outputs, all);
    return all;
  }

  // One backward per element of y, its cotangent 1 there; the other outputs' cotangents are absent.
  void analytic_rows(Int outputs, std::vector<Jacobian>& all) {
    Tape tape;
    Tensors leaves = watched(p, tape, p.inputs), wrt;
    for (const std::size_t k : p.wrt) wrt.push_back(leaves[k]);
    Int column = 0;
    for (const Tensor& y : p.f(leaves))
      for (Int e = 0; e < y.elements(); ++e, ++column) {
        Tensor one = Tensor::zeros(y.shape(), y.dtype(), y.device());
        set_element(one, e, 1);
        const Tensors row = tape.gradient(y, wrt, {.cotangent = one, .keep = true});
        for (std::size_t k = 0; k < row.size(); ++k) {
          const std::vector<double> values = row[k].values();
          for (std::size_t i = 0; i < values.size(); ++i)
            all[k].analytic[i * static_cast<std::size_t>(outputs) + static_cast<std::size_t>(column)] =
                values[i];
        }
      }
  }

  const GradientProblem& p;
  const double same_here;
  GradcheckResult result{true, 0, p.tolerance, {}};
  std::vector<std::vector<double>> noise;  // by input and element
  std::vector<std::vector<bool>> unsettled;
};

}  // namespace

GradcheckResult gradcheck(const Function& f, const Tensors& inputs, const GradcheckOptions& options) {
  GradientProblem p{f, {}, options, {}, 0};
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Tensor& x = inputs[k];
    expect(x.dtype() == DType::f64 || options.f32,
           "gradcheck: input {} {} is f32, in which a wrong gradient looks right; use f64, or ask for f32",
           p.input_name(k), x.shape().text());
    p.inputs.push_back(x.detach().copy());
    if (std::find(options.constant.begin(), options.constant.end(), static_cast<int>(k)) ==
        options.constant.end())
      p.wrt.push_back(k);
  }
  p.tolerance = options.tolerance.value_or(p.dtype() == DType::f64 ? 1e-6 : 5e-3);
  try {
    return Checks(p).run();
  } catch (const Error& error) {
    const std::string cause = likely_cause(error.what());
    return {false, INFINITY, p.tolerance,
            fmt::format("{}{}{}", error.what(), cause.empty() ? "" : "; likely ", cause)};
  }
}

}  // namespace sonograd
