#include "autograd/check_op.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/apply.h"
#include "autograd/strided.h"
#include "autograd/tape.h"

namespace sonograd {
namespace {

// max |a − b| / max |b|. Where b is not finite, a must be the same.
double relative_distance(const Tensor& a, const Tensor& b) {
  const std::vector<double> u = a.values(), v = b.values();
  double size = 0, apart = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (!std::isfinite(v[i])) {
      if (!(u[i] == v[i] || (std::isnan(u[i]) && std::isnan(v[i])))) return INFINITY;
      continue;
    }
    if (!std::isfinite(u[i])) return INFINITY;
    size = std::max(size, std::abs(v[i]));
    apart = std::max(apart, std::abs(u[i] - v[i]));
  }
  return apart == 0 ? 0 : apart / std::max<double>(size, std::numeric_limits<float>::min());
}

double worst_distance(const Tensors& a, const Tensors& b) {
  double worst = 0;
  for (std::size_t k = 0; k < b.size(); ++k) worst = std::max(worst, relative_distance(a[k], b[k]));
  return worst;
}

Tensors on(Device device, Tensors list) {
  for (Tensor& t : list) t = t.to(device);
  return list;
}

Tensors laid_out(Tensor (*layout)(const Tensor&), Tensors list) {
  for (Tensor& t : list) t = layout(t);
  return list;
}

// One sample on a fast device, beside the reference.
class SampleOnDevice {
 public:
  SampleOnDevice(const OpEntry& op, const Sample& sample, Device device)
      : op(op),
        sample(sample),
        slow_in(make_inputs(sample, DType::f32, Device::reference)),
        fast_in(on(device, slow_in)),
        slow(run(slow_in)),
        fast(run(fast_in)) {
    for (std::size_t k = 0; k < slow.size(); ++k) {
      const Random random = Random(11, sample.name).at(k);
      std::vector<double> values(static_cast<std::size_t>(slow[k].elements()));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = 2 * random.uniform(i) - 1;
      slow_dy.push_back(Tensor::of(slow[k].shape(), values, DType::f32, Device::reference));
    }
    fast_dy = on(device, slow_dy);
  }

  void values(Check& check) const {
    check.see(worst_distance(fast, slow), sample.tolerance, sample.name);
    check.see(worst_distance(run(laid_out(with_gaps, fast_in)), slow), sample.tolerance,
              sample.name + ", inputs with gaps");
    check.see(worst_distance(run(laid_out(axes_reversed, fast_in)), slow), sample.tolerance,
              sample.name + ", inputs with reversed axes");
    if (worst_distance(run(fast_in), fast) > 0) check.fail(sample.name + ": a second run gives other bits");
  }

  // Written over its first input, a value has the same bits.
  void over(Check& check) const {
    const NoGrad quiet;
    Tensors inputs = fast_in;
    inputs[0] = inputs[0].copy();
    if (inputs[0].shape() != fast[0].shape()) return;
    if (worst_distance(apply_any(sample.op, op, inputs, {inputs[0]}), fast) > 0)
      check.fail(sample.name + ": written over the first input, the output has other bits");
  }

  // What the tape makes again must be the very bits that it did not keep.
  void again(Check& check) const {
    const NoGrad quiet;
    const auto see = [&](const Tensors& inputs, const Tensors& outputs) {
      const Tensor y = sample.op->again({inputs, saved_of(outputs), {}, {}});
      if (relative_distance(y, outputs[0]) > 0)
        check.fail(
            fmt::format("{}: made again on {}, its output has other bits", sample.name, name_of(y.device())));
    };
    see(slow_in, slow);
    see(fast_in, fast);
  }

  void vjp(Check& check) const {
    const Tensors ours = gradients(fast_in, fast, fast_dy), theirs = gradients(slow_in, slow, slow_dy);
    for (std::size_t k = 0; k < ours.size(); ++k)
      if (ours[k].defined())
        check.see(relative_distance(ours[k], theirs[k]), 4 * sample.tolerance,
                  fmt::format("{}, {}", sample.name, argument(k)));
    for (std::size_t k = 0; k < ours.size(); ++k)
      if (ours[k].defined())
        check.see(relative_distance(gradients(fast_in, fast, fast_dy, static_cast<int>(k))[k], theirs[k]),
                  4 * sample.tolerance, fmt::format("{}, {} wanted alone", sample.name, argument(k)));
    const Tensors again = gradients(fast_in, fast, fast_dy);
    const Tensors strided = gradients(laid_out(with_gaps, fast_in), fast, laid_out(with_gaps, fast_dy));
    for (std::size_t k = 0; k < ours.size(); ++k) {
      if (!ours[k].defined()) continue;
      check.see(relative_distance(strided[k], theirs[k]), 4 * sample.tolerance,
                fmt::format("{}, {}, inputs and cotangents with gaps", sample.name, argument(k)));
      if (relative_distance(again[k], ours[k]) > 0)
        check.fail(fmt::format("{}: a second backward gives other bits for {}", sample.name, argument(k)));
    }
  }

  // c·ε·Σ|dy·y|, or of |dx·x|, where y cancels more than x does.
  void adjoint(Check& check) const {
    const Tensors dx = gradients(fast_in, fast, fast_dy);
    double y_side = 0, y_size = 0;
    for (std::size_t k = 0; k < fast.size(); ++k) add_products(fast_dy[k], fast[k], y_side, y_size);
    for (const int argument_number : op.linear) {
      const std::size_t k = static_cast<std::size_t>(argument_number);
      double x_side = 0, x_size = 0;
      add_products(dx[k], fast_in[k], x_side, x_size);
      const double size = std::max({x_size, y_size, static_cast<double>(std::numeric_limits<float>::min())});
      check.see(
          std::abs(x_side - y_side) / size, 64 * std::numeric_limits<float>::epsilon(),
          fmt::format("{}, {}: <dy,y> {:.9g}, <dx,x> {:.9g}", sample.name, argument(k), y_side, x_side));
    }
  }

  bool finite() const {
    for (const Tensor& y : slow)
      for (const double v : y.values())
        if (!std::isfinite(v)) return false;
    return true;
  }

 private:
  Tensors run(const Tensors& inputs) const {
    const NoGrad quiet;
    return apply_any(sample.op, op, inputs);
  }

  // Straight from vjp, as the tape would call it with every cotangent there and every gradient wanted, or
  // that of argument `alone`.
  Tensors gradients(const Tensors& inputs, const Tensors& outputs, const Tensors& dy, int alone = -1) const {
    const NoGrad quiet;
    Tensors x;
    std::vector<bool> wanted(inputs.size(), alone < 0);
    if (alone >= 0) wanted[static_cast<std::size_t>(alone)] = true;
    for (const int k : op.constant) wanted[static_cast<std::size_t>(k)] = false;
    for (std::size_t k = 0; k < inputs.size(); ++k)
      x.push_back(sample.op->saves_input(static_cast<int>(k), wanted) ? inputs[k] : inputs[k].without_data());
    Tensors result = sample.op->vjp({x, saved_of(outputs), dy, wanted});
    result.resize(inputs.size());
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      if (!wanted[k]) result[k] = Tensor();
      expect(!wanted[k] || result[k].defined(), "vjp gave no gradient of {}", argument(k));
    }
    return result;
  }

  Tensors saved_of(Tensors outputs) const {
    for (std::size_t k = 0; k < outputs.size(); ++k)
      if (!sample.op->saves_output(static_cast<int>(k))) outputs[k] = outputs[k].without_data();
    return outputs;
  }

  static void add_products(const Tensor& a, const Tensor& b, double& sum, double& size) {
    const std::vector<double> u = a.values(), v = b.values();
    for (std::size_t i = 0; i < u.size(); ++i) {
      sum += u[i] * v[i];
      size += std::abs(u[i] * v[i]);
    }
  }

  std::string argument(std::size_t k) const {
    return k < op.arguments.size() ? op.arguments[k] : fmt::format("x{}", k);
  }

  const OpEntry& op;
  const Sample& sample;
  const Tensors slow_in, fast_in, slow, fast;
  Tensors slow_dy, fast_dy;
};

Check check_refusals(const OpEntry& op) {
  Check check{"refusals"};
  for (const BadSample& bad : op.bad) {
    Tensors inputs;
    std::string shapes;
    for (const Shape& shape : bad.inputs) {
      inputs.push_back(Tensor::zeros(shape));
      shapes += shape.text();
    }
    std::string said = "nothing";
    try {
      apply_any(bad.op, op, inputs);
    } catch (const Error& error) {
      said = error.what();
    }
    if (said.find(bad.message) == std::string::npos)
      check.fail(fmt::format("{} should say `{}`, says `{}`", shapes, bad.message, said));
  }
  return check;
}

Check check_gradients(const OpEntry& op, bool f32) {
  Check check{f32 ? "gradient in f32" : "gradient"};
  for (const Sample& sample : op.good) {
    if (!sample.gradient) continue;
    const GradcheckResult result =
        gradcheck([&](const Tensors& x) { return apply_any(sample.op, op, x); },
                  make_inputs(sample, f32 ? DType::f32 : DType::f64, Device::reference),
                  {.names = op.arguments, .constant = op.constant, .f32 = f32});
    check.max_error = std::max(check.max_error, result.max_error);
    check.tolerance = result.tolerance;
    if (!result.ok) check.fail(fmt::format("{}: {}", sample.name, result.text));
  }
  return check;
}

bool differentiable(const OpEntry& op) {
  return op.has_vjp && op.constant.size() < std::max<std::size_t>(op.arguments.size(), 1);
}

}  // namespace

void Check::see(double error, double allowed, const std::string& where) {
  const bool worse = tolerance == 0 || error / allowed > max_error / tolerance;
  if (worse) {
    max_error = error;
    tolerance = allowed;
  }
  if (!(error <= allowed)) fail(fmt::format("{}: error {:.3g}, allowed {:.3g}", where, error, allowed));
}

void Check::fail(const std::string& why) {
  if (ok) text = why;
  ok = false;
}

std::vector<Check> check_op(const OpEntry& op, bool f32, Device last) {
  std::vector<Check> checks{check_refusals(op)};
  if (differentiable(op)) checks.push_back(check_gradients(op, f32));
  for (const auto& [device, kernel] : op.kernels) {
    if (device > last) continue;
    for (Check& check : check_op_on(device, op)) checks.push_back(std::move(check));
  }
  return checks;
}

std::vector<Check> check_op_on(Device device, const OpEntry& op) {
  const std::string where = fmt::format(" on {}", name_of(device));
  Check values{"values" + where}, adjoint{"adjoint" + where}, vjp{"vjp" + where}, again{"again" + where};
  bool made_again = false;
  for (const Sample& sample : op.good) try {
      const SampleOnDevice here(op, sample, device);
      here.values(values);
      if (op.overwrites) here.over(values);
      if (sample.op->can_make_again()) here.again(again), made_again = true;
      if (!differentiable(op) || !here.finite()) continue;
      here.vjp(vjp);
      if (sample.adjoint) here.adjoint(adjoint);
    } catch (const Error& error) {
      values.fail(fmt::format("{}: {}", sample.name, error.what()));
    }
  std::vector<Check> checks{std::move(values)};
  if (made_again) checks.push_back(std::move(again));
  if (differentiable(op)) checks.push_back(std::move(vjp));
  if (differentiable(op) && !op.linear.empty()) checks.push_back(std::move(adjoint));
  return checks;
}

}  // namespace sonograd
