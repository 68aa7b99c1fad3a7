#pragma once
#include "autograd/gradcheck.h"
#include "autograd/tape.h"

namespace sonograd {

constexpr std::size_t few_inputs = 8;  // up to here inputs are also looked at one by one

// What the parts of gradcheck share: f, where it is differentiated and in what.
struct GradientProblem {
  const Function& f;
  Tensors inputs;
  const GradcheckOptions& options;
  std::vector<std::size_t> wrt;
  double tolerance;

  DType dtype() const { return inputs.at(0).dtype(); }
  std::string input_name(std::size_t input) const;
  std::string name(std::size_t which) const { return input_name(wrt[which]); }
};

Tensors evaluate(const GradientProblem& p, const Tensors& inputs);  // f without a tape
Tensors watched(const GradientProblem& p, Tape& tape, const Tensors& inputs);
// Gradients of Σ <u[j], y[j]> with respect to p.wrt; an undefined u[j] is an absent cotangent.
Tensors backward(const GradientProblem& p, const Tensors& inputs, const Tensors& u);
Tensors random_cotangents(const Tensors& like, std::uint64_t which);

std::vector<double> flattened(const Tensors& list);
void set_element(Tensor& dense, Int number, double value);
double relative_error(double analytic, double numeric, double least, double noise, double tolerance);
std::string compared(double analytic, double numeric);  // both and their ratio

// <dx, v> against the derivative of <u, f(x + h v)> for random u and v. A failure is halved down to one
// element.
GradcheckResult check_directions(const GradientProblem& p, const Tensors& y);

}  // namespace sonograd
