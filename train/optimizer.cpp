#include "train/optimizer.h"

#include <array>
#include <cmath>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sonograd {
namespace {

template <class T>
struct AdamStep {
  T rate, take1, take2, epsilon;  // lr corrected for the moments' start at zero, 1 - beta1, 1 - beta2
};

template <class T>
SONOGRAD_INLINE void adam_loop(Int n, AdamStep<T> s, const T* g, T* m, T* v, T* w) {
  for (Int i = 0; i < n; ++i) {
    m[i] += (g[i] - m[i]) * s.take1;
    v[i] += (g[i] * g[i] - v[i]) * s.take2;
    w[i] -= m[i] * s.rate / (std::sqrt(v[i]) + s.epsilon);
  }
}
SONOGRAD_CLONES void adam(Int n, AdamStep<float> s, const float* g, float* m, float* v, float* w) {
  adam_loop(n, s, g, m, v, w);
}
void adam(Int n, AdamStep<double> s, const double* g, double* m, double* v, double* w) {
  adam_loop(n, s, g, m, v, w);
}

Tensors zeros_like(const std::vector<NamedParameter>& parameters) {
  Tensors list;
  for (const auto& [name, parameter] : parameters)
    list.push_back(Tensor::zeros(parameter->shape, parameter->value.dtype(), parameter->value.device()));
  return list;
}

std::vector<std::pair<std::string, Tensor>> named(const std::string& prefix,
                                                  const std::vector<NamedParameter>& parameters,
                                                  const Tensors& tensors) {
  std::vector<std::pair<std::string, Tensor>> list;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    list.emplace_back(prefix + parameters[i].name, tensors[i]);
  return list;
}

constexpr Int grain = 16384;

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(OptimizerKind kind, double momentum) {
  if (kind == OptimizerKind::adam) return std::make_unique<Adam>();
  auto sgd = std::make_unique<Sgd>();
  sgd->momentum = momentum;
  return sgd;
}

static void expect_same_number(std::size_t parameters, std::size_t gradients, std::size_t moments) {
  expect(parameters == gradients && parameters == moments,
         "an optimizer with the moments of {} parameters got {} of them and {} gradients", moments,
         parameters, gradients);
}

void Adam::prepare(const std::vector<NamedParameter>& parameters) {
  if (!m.empty()) return;
  m = zeros_like(parameters);
  v = zeros_like(parameters);
}

void Adam::update(const std::vector<NamedParameter>& parameters, const Tensors& gradients,
                  double learning_rate) {
  prepare(parameters);
  expect_same_number(parameters.size(), gradients.size(), m.size());
  ++steps;
  const auto t = static_cast<double>(steps);
  const double rate = learning_rate * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Tensor& w = parameters[i].parameter->value;
    const Tensor g = gradients[i].as_dense();
    with_type(w.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const AdamStep<T> s{T(rate), T(1 - beta1), T(1 - beta2), T(epsilon)};
      const T* const from = g.data<T>();
      T *const first = m[i].mutable_data<T>(), *const second = v[i].mutable_data<T>(),
               *const to = w.mutable_data<T>();
      parallel_for(w.elements(), grain, [&](Int begin, Int end) {
        adam(end - begin, s, from + begin, first + begin, second + begin, to + begin);
      });
    });
  }
}

std::vector<std::pair<std::string, Tensor>> Adam::state(const std::vector<NamedParameter>& parameters) {
  prepare(parameters);
  auto list = named("adam.m.", parameters, m);
  const auto second = named("adam.v.", parameters, v);
  list.insert(list.end(), second.begin(), second.end());
  return list;
}

void Sgd::prepare(const std::vector<NamedParameter>& parameters) {
  if (velocity.empty()) velocity = zeros_like(parameters);
}

void Sgd::update(const std::vector<NamedParameter>& parameters, const Tensors& gradients,
                 double learning_rate) {
  prepare(parameters);
  expect_same_number(parameters.size(), gradients.size(), velocity.size());
  ++steps;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Tensor& w = parameters[i].parameter->value;
    const Tensor g = gradients[i].as_dense();
    with_type(w.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* const from = g.data<T>();
      T *const u = velocity[i].mutable_data<T>(), *const to = w.mutable_data<T>();
      parallel_for(w.elements(), grain, [&](Int begin, Int end) {
        for (Int k = begin; k < end; ++k) {
          u[k] = T(momentum) * u[k] - T(learning_rate) * from[k];
          to[k] += u[k];
        }
      });
    });
  }
}

std::vector<std::pair<std::string, Tensor>> Sgd::state(const std::vector<NamedParameter>& parameters) {
  prepare(parameters);
  return named("sgd.velocity.", parameters, velocity);
}

double global_norm(const Tensors& gradients) {
  double total = 0;
  for (const Tensor& gradient : gradients) {
    const Tensor g = gradient.as_dense();
    with_type(g.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* const values = g.data<T>();
      // Eight running sums, so that the loop is not one long chain of additions.
      std::array<double, 8> sums{};
      const Int n = g.elements();
      for (Int i = 0; i < n; ++i)
        sums[static_cast<std::size_t>(i % 8)] += static_cast<double>(values[i]) * values[i];
      for (const double sum : sums) total += sum;
    });
  }
  return std::sqrt(total);
}

}  // namespace sonograd
