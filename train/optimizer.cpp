#include "train/optimizer.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "base/parallel.h"
#include "base/simd.h"
#include "ops/binary/binary.h"
#include "ops/unary/unary.h"
#include "ops/update/update.h"
#include "tensor/gpu/gpu.h"
#include "tensor/out_of_memory.h"

namespace sonograd {
namespace {

const std::string adam_m = "adam.m.", adam_v = "adam.v.", sgd_velocity = "sgd.velocity.";

// Σ x², in eight sums side by side.
template <class T>
SONOGRAD_CLONES double squares(Int n, const T* x) {
  double partial[8] = {};
  Int i = 0;
  for (; i + 8 <= n; i += 8)
    for (Int lane = 0; lane < 8; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      partial[lane] += value * value;
    }
  for (Int lane = 0; i < n; ++i, ++lane) partial[lane] += static_cast<double>(x[i]) * x[i];
  double total = 0;
  for (const double sum : partial) total += sum;
  return total;
}

// The same by pieces whose size does not depend on the number of threads.
double sum_of_squares(const Tensor& dense) {
  constexpr Int piece = 65536;
  const Int n = dense.elements();
  std::vector<double> sums(static_cast<std::size_t>((n + piece - 1) / piece));
  with_type(dense.dtype(), [&](auto zero) {
    const auto* const values = dense.data<decltype(zero)>();
    parallel_for(static_cast<Int>(sums.size()), 1, [&](Int begin, Int end) {
      for (Int k = begin; k < end; ++k)
        sums[static_cast<std::size_t>(k)] = squares(std::min(piece, n - k * piece), values + k * piece);
    });
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

Tensors zeros_like(const std::string& prefix, const std::vector<NamedParameter>& parameters) {
  Tensors list;
  for (const NamedParameter& p : parameters) {
    const Tensor& value = p.parameter->value;
    list.push_back(
        allocating([&] { return prefix + p.name; },
                   [&] { return Tensor::zeros(p.parameter->shape, value.dtype(), value.device()); }));
  }
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

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(OptimizerKind kind, double momentum) {
  if (kind == OptimizerKind::adam) return std::make_unique<Adam>();
  auto sgd = std::make_unique<Sgd>();
  sgd->momentum = momentum;
  return sgd;
}

void Optimizer::update(const std::vector<NamedParameter>& parameters, const Tensors& gradients,
                       double learning_rate) {
  expect(parameters.size() == gradients.size(), "an optimizer got {} parameters and {} gradients",
         parameters.size(), gradients.size());
  begin(parameters, learning_rate);
  change(parameters, 0, gradients);
}

static void expect_same_number(std::size_t parameters, std::size_t moments) {
  expect(parameters == moments, "an optimizer with the moments of {} parameters got {} of them", moments,
         parameters);
}

void Adam::prepare(const std::vector<NamedParameter>& parameters) {
  if (!m.empty()) return;
  Tensors first = zeros_like(adam_m, parameters), second = zeros_like(adam_v, parameters);
  m = std::move(first);  // both or none: memory may end in between
  v = std::move(second);
}

void Adam::begin(const std::vector<NamedParameter>& parameters, double learning_rate) {
  prepare(parameters);
  expect_same_number(parameters.size(), m.size());
  ++steps;
  const auto t = static_cast<double>(steps);
  rate = learning_rate * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t));
}

void Adam::change(const std::vector<NamedParameter>& parameters, std::size_t first,
                  const Tensors& gradients) {
  std::vector<Update<AdamUpdate>> updates;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const std::size_t k = first + i;
    updates.push_back(
        {{rate, beta1, beta2, epsilon}, {parameters[k].parameter->value, m[k], v[k], gradients[i]}});
  }
  update_in_place(updates);
}

std::vector<std::pair<std::string, Tensor>> Adam::state(const std::vector<NamedParameter>& parameters) {
  prepare(parameters);
  auto list = named(adam_m, parameters, m);
  const auto second = named(adam_v, parameters, v);
  list.insert(list.end(), second.begin(), second.end());
  return list;
}

void Sgd::prepare(const std::vector<NamedParameter>& parameters) {
  if (velocity.empty()) velocity = zeros_like(sgd_velocity, parameters);
}

void Sgd::begin(const std::vector<NamedParameter>& parameters, double learning_rate) {
  prepare(parameters);
  expect_same_number(parameters.size(), velocity.size());
  ++steps;
  rate = learning_rate;
}

void Sgd::change(const std::vector<NamedParameter>& parameters, std::size_t first, const Tensors& gradients) {
  std::vector<Update<SgdUpdate>> updates;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const std::size_t k = first + i;
    updates.push_back({{rate, momentum}, {parameters[k].parameter->value, velocity[k], gradients[i]}});
  }
  update_in_place(updates);
}

std::vector<std::pair<std::string, Tensor>> Sgd::state(const std::vector<NamedParameter>& parameters) {
  prepare(parameters);
  return named(sgd_velocity, parameters, velocity);
}

void multiply_each(Tensors& gradients, double factor) {
  const NoGrad quiet;
  for (Tensor& g : gradients) g = multiply(g, scalar_like(g, factor));
}

Tensor squared_norms(const Tensors& gradients) {
  Tensor sums = Tensor::empty({static_cast<Int>(gradients.size())}, DType::f64, Device::gpu);
  gpu::sum_squares(gradients, sums);
  return sums;
}

double global_norm(const Tensors& gradients) {
  double total = 0;
  if (!gradients.empty() && gradients[0].device() == Device::gpu) {  // the sums come to the host together
    for (const double sum : squared_norms(gradients).values()) total += sum;
    return std::sqrt(total);
  }
  for (const Tensor& gradient : gradients) total += sum_of_squares(gradient.as_dense());
  return std::sqrt(total);
}

}  // namespace sonograd
