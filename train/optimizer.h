#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/model.h"

namespace sonograd {

// Changes parameters by their gradients. It owns its moments, one set per trained parameter in the order
// given.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update of parameters[i] by gradients[i], in place; counts a step. Throws Error where there are not as
  // many gradients, or not as many parameters as at the first update; that they are the same ones, in the
  // same order, is the caller's to see to.
  void update(const std::vector<NamedParameter>& parameters, const Tensors& gradients, double learning_rate);

  // The same in parts, for gradients that come one by one: begin counts the step, and change is then called
  // in any order until each parameter was changed once: parameters[first + i] by gradients[i]. On the gpu
  // many take one launch.
  virtual void begin(const std::vector<NamedParameter>& parameters, double learning_rate) = 0;
  virtual void change(const std::vector<NamedParameter>& parameters, std::size_t first,
                      const Tensors& gradients) = 0;

  // What a checkpoint keeps: the moments under names such as `adam.m.stem_conv.kernel`, made with zeros where
  // there are none yet, and the number of steps taken.
  virtual std::vector<std::pair<std::string, Tensor>> state(
      const std::vector<NamedParameter>& parameters) = 0;
  Int steps = 0;
  double rate = 0;  // the learning rate of the step begun; Adam's times √(1 − β₂ᵗ)/(1 − β₁ᵗ)
};

enum class OptimizerKind { adam, sgd };
constexpr const char* name_of(OptimizerKind kind) {
  return kind == OptimizerKind::sgd ? "sgd" : "adam";
}
inline OptimizerKind optimizer_named(std::string_view name) {  // throws Error where there is none
  for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::sgd})
    if (name == name_of(kind)) return kind;
  throw Error("there is no optimizer {}; take adam or sgd", name);
}
std::unique_ptr<Optimizer> make_optimizer(OptimizerKind kind, double momentum = 0);  // momentum: of sgd

// Kingma & Ba 2015 as Keras computes it, epsilon outside of the square root and not corrected:
//
//   m += (g - m)(1 - b1);  v += (g² - v)(1 - b2)
//   w -= lr · sqrt(1 - b2^t) / (1 - b1^t) · m / (sqrt(v) + eps)
class Adam final : public Optimizer {
 public:
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7;

  void begin(const std::vector<NamedParameter>& parameters, double learning_rate) override;
  void change(const std::vector<NamedParameter>& parameters, std::size_t first,
              const Tensors& gradients) override;
  std::vector<std::pair<std::string, Tensor>> state(const std::vector<NamedParameter>& parameters) override;

 private:
  void prepare(const std::vector<NamedParameter>& parameters);
  Tensors m, v;
};

// Keras' SGD:  u = momentum · u - lr · g;  w += u
class Sgd final : public Optimizer {
 public:
  double momentum = 0;

  void begin(const std::vector<NamedParameter>& parameters, double learning_rate) override;
  void change(const std::vector<NamedParameter>& parameters, std::size_t first,
              const Tensors& gradients) override;
  std::vector<std::pair<std::string, Tensor>> state(const std::vector<NamedParameter>& parameters) override;

 private:
  void prepare(const std::vector<NamedParameter>& parameters);
  Tensors velocity;
};

void multiply_each(Tensors& gradients, double factor);

// sqrt(Σ g²) over all gradients, summed in f64 in an order that no number of threads changes.
double global_norm(const Tensors& gradients);
// Of gradients on the gpu, there: Σ g² of each, [gradients], in f64.
Tensor squared_norms(const Tensors& gradients);

}  // namespace sonograd
