#pragma once
#include <cmath>

#include "autograd/apply.h"
#include "base/simd.h"

namespace sonograd {

// loss[i] = max(z, 0) − z·t + log(1 + exp(−|z|)),   z = logits[i], t = targets[i] in [0, 1]
// The cross-entropy −t·log s − (1 − t)·log(1 − s) of s = sigmoid(z), in a form in which no exp overflows.
struct BinaryCrossEntropy {
  static constexpr auto name = "binary_cross_entropy";
  static constexpr std::array arguments{"logits", "targets"};

  Shape shape(const Shape& logits, const Shape& targets) const {
    expect(targets == logits, "targets {} and {} differ", targets.text(), logits.text());
    return logits;
  }

  void reference(auto z, auto t, auto loss) const {
    for_each_index(z.shape, [&](const Shape& i) {
      loss(i) = (z(i) > 0 ? z(i) : 0) - z(i) * t(i) + std::log1p(std::exp(-std::abs(z(i))));
    });
  }

  Tensors vjp(const Vjp& at) const;
};

// dz = dloss · (sigmoid(z) − t),   dt = −dloss · z
struct BinaryCrossEntropyGrad {
  static constexpr auto name = "binary_cross_entropy_grad";
  static constexpr std::array arguments{"logits", "targets", "dloss"};
  static constexpr std::array results{"dlogits", "dtargets"};

  Shapes shape(const Shape& logits, const Shape& targets, const Shape& dloss) const {
    expect(BinaryCrossEntropy{}.shape(logits, targets) == dloss, "dloss {} and {} differ", dloss.text(),
           logits.text());
    return {logits, logits};
  }

  void reference(auto z, auto t, auto dloss, auto dz, auto dt) const {
    for_each_index(z.shape, [&](const Shape& i) {
      dz(i) = dloss(i) * (1 / (1 + std::exp(-z(i))) - t(i));
      dt(i) = -dloss(i) * z(i);
    });
  }
};

// loss[i] = −t·log(q + δ) − (1 − t)·log(1 − q + δ),   q = min(max(p, ε), 1 − ε)
// From probabilities p, as Keras computes it where it does not see the sigmoid: δ is 0 in Keras 3, ε in
// Keras 2. No gradient passes where p is clipped.
struct BinaryCrossEntropyFromProbabilities {
  static constexpr auto name = "binary_cross_entropy_from_probabilities";
  static constexpr std::array arguments{"probabilities", "targets"};
  double epsilon = 1e-7;
  double delta = 0;

  Shape shape(const Shape& p, const Shape& targets) const { return BinaryCrossEntropy{}.shape(p, targets); }

  template <class T>
  SONOGRAD_INLINE T clipped(T p) const {
    return std::min(std::max(p, static_cast<T>(epsilon)), 1 - static_cast<T>(epsilon));
  }

  void reference(auto p, auto t, auto loss) const {
    using T = std::remove_cvref_t<decltype(loss[0])>;
    for_each_index(p.shape, [&](const Shape& i) {
      const T q = clipped(p(i)), d = static_cast<T>(delta);
      loss(i) = -t(i) * std::log(q + d) - (1 - t(i)) * std::log(1 - q + d);
    });
  }

  Tensors vjp(const Vjp& at) const;
};

// dp = dloss · ((1 − t)/(1 − q + δ) − t/(q + δ)) where ε ≤ p ≤ 1 − ε, else 0
// dt = dloss · (log(1 − q + δ) − log(q + δ))
struct BinaryCrossEntropyFromProbabilitiesGrad {
  static constexpr auto name = "binary_cross_entropy_from_probabilities_grad";
  static constexpr std::array arguments{"probabilities", "targets", "dloss"};
  static constexpr std::array results{"dprobabilities", "dtargets"};
  double epsilon = 1e-7;
  double delta = 0;

  Shapes shape(const Shape& p, const Shape& targets, const Shape& dloss) const {
    return BinaryCrossEntropyGrad{}.shape(p, targets, dloss);
  }

  void reference(auto p, auto t, auto dloss, auto dp, auto dt) const {
    using T = std::remove_cvref_t<decltype(dp[0])>;
    const BinaryCrossEntropyFromProbabilities forward{epsilon, delta};
    for_each_index(p.shape, [&](const Shape& i) {
      const T q = forward.clipped(p(i)), d = static_cast<T>(delta);
      dp(i) = q == p(i) ? dloss(i) * ((1 - t(i)) / (1 - q + d) - t(i) / (q + d)) : 0;
      dt(i) = dloss(i) * (std::log(1 - q + d) - std::log(q + d));
    });
  }
};

inline Tensors BinaryCrossEntropy::vjp(const Vjp& at) const {
  return apply_all(BinaryCrossEntropyGrad{}, {at.x(0), at.x(1), at.dy()});
}
inline Tensors BinaryCrossEntropyFromProbabilities::vjp(const Vjp& at) const {
  return apply_all(BinaryCrossEntropyFromProbabilitiesGrad{epsilon, delta}, {at.x(0), at.x(1), at.dy()});
}

// One loss per element; the mean over samples is taken outside.
inline Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets) {
  return apply(BinaryCrossEntropy{}, logits, targets);
}
inline Tensor binary_cross_entropy_from_probabilities(
    const Tensor& probabilities, const Tensor& targets,
    const BinaryCrossEntropyFromProbabilities& attributes = {}) {
  return apply(attributes, probabilities, targets);
}

}  // namespace sonograd
