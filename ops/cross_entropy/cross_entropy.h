#pragma once
#include <cmath>

#include "autograd/apply.h"
#include "base/simd.h"

namespace sonograd {

// Targets t [N, C] are one row per sample: 1 at the true class and 0 elsewhere, or a distribution over the
// classes. A row times w weighs its sample by w, gradients included; so the losses below are one per sample,
// their mean is the plain loss, and sum / Σ w the weighted mean.

inline Shape check_targets(const Shape& x, const Shape& targets) {
  expect(x.rank() == 2 && x[1] > 0, "{} is not [samples, classes]", x.text());
  expect(targets == x, "targets {} are not one value for each of {}", targets.text(), x.text());
  return {x[0]};
}

// loss[n] = Σ_c t[n,c] · (log Σ_k exp z[n,k] − z[n,c])
// The cross-entropy −Σ t·log softmax(z), from logits z; nothing is clipped, as in Keras where the model ends
// in softmax.
struct SoftmaxCrossEntropy {
  static constexpr auto name = "softmax_cross_entropy";
  static constexpr std::array arguments{"logits", "targets"};

  Shape shape(const Shape& logits, const Shape& targets) const { return check_targets(logits, targets); }

  // log Σ_k exp z[n,k]
  static auto log_sum_exp(auto z, Int n) {
    auto largest = std::remove_cvref_t<decltype(z(n, 0))>(z(n, 0));
    for (Int k = 1; k < z.size(1); ++k) largest = std::max(largest, z(n, k));
    decltype(largest) sum = 0;
    for (Int k = 0; k < z.size(1); ++k) sum += std::exp(z(n, k) - largest);
    return largest + std::log(sum);
  }

  void reference(auto z, auto t, auto loss) const {
    for (Int n = 0; n < z.size(0); ++n) {
      const auto l = log_sum_exp(z, n);
      loss(n) = 0;
      for (Int c = 0; c < z.size(1); ++c) loss(n) += t(n, c) * (l - z(n, c));
    }
  }

  Tensors vjp(const Vjp& at) const;
};

// dz[n,c] = dloss[n] · (softmax(z)[n,c]·Σ_k t[n,k] − t[n,c]),   dt[n,c] = dloss[n] · (log Σ_k exp z[n,k] −
// z[n,c])
struct SoftmaxCrossEntropyGrad {
  static constexpr auto name = "softmax_cross_entropy_grad";
  static constexpr std::array arguments{"logits", "targets", "dloss"};
  static constexpr std::array results{"dlogits", "dtargets"};

  Shapes shape(const Shape& logits, const Shape& targets, const Shape& dloss) const {
    expect(check_targets(logits, targets) == dloss, "dloss {} is not one value for each of {} samples",
           dloss.text(), logits[0]);
    return {logits, targets};
  }

  void reference(auto z, auto t, auto dloss, auto dz, auto dt) const {
    for (Int n = 0; n < z.size(0); ++n) {
      const auto l = SoftmaxCrossEntropy::log_sum_exp(z, n);
      auto total = l * 0;
      for (Int k = 0; k < z.size(1); ++k) total += t(n, k);
      for (Int c = 0; c < z.size(1); ++c) {
        dz(n, c) = dloss(n) * (std::exp(z(n, c) - l) * total - t(n, c));
        dt(n, c) = dloss(n) * (l - z(n, c));
      }
    }
  }
};

// loss[n] = Σ_c t[n,c] · (log Σ_k q[n,k] − log q[n,c]),   q = min(max(p, ε), 1 − ε)
// From probabilities p, as Keras computes sparse categorical cross-entropy where it does not see the softmax:
// clipped, then brought back to sum 1. No gradient passes where p is clipped.
struct CrossEntropyFromProbabilities {
  static constexpr auto name = "cross_entropy_from_probabilities";
  static constexpr std::array arguments{"probabilities", "targets"};
  double epsilon = 1e-7;

  Shape shape(const Shape& p, const Shape& targets) const { return check_targets(p, targets); }

  template <class T>
  SONOGRAD_INLINE T clipped(T p) const {
    return std::min(std::max(p, static_cast<T>(epsilon)), 1 - static_cast<T>(epsilon));
  }
  auto row_sum(auto p, Int n) const {
    auto sum = clipped(p(n, 0));
    for (Int k = 1; k < p.size(1); ++k) sum += clipped(p(n, k));
    return sum;
  }

  void reference(auto p, auto t, auto loss) const {
    for (Int n = 0; n < p.size(0); ++n) {
      const auto log_sum = std::log(row_sum(p, n));
      loss(n) = 0;
      for (Int c = 0; c < p.size(1); ++c) loss(n) += t(n, c) * (log_sum - std::log(clipped(p(n, c))));
    }
  }

  Tensors vjp(const Vjp& at) const;
};

// dp[n,c] = dloss[n] · (Σ_k t[n,k] / Σ_k q[n,k] − t[n,c] / q[n,c]) where ε ≤ p[n,c] ≤ 1 − ε, else 0
// dt[n,c] = dloss[n] · (log Σ_k q[n,k] − log q[n,c])
struct CrossEntropyFromProbabilitiesGrad {
  static constexpr auto name = "cross_entropy_from_probabilities_grad";
  static constexpr std::array arguments{"probabilities", "targets", "dloss"};
  static constexpr std::array results{"dprobabilities", "dtargets"};
  double epsilon = 1e-7;

  Shapes shape(const Shape& p, const Shape& targets, const Shape& dloss) const {
    return SoftmaxCrossEntropyGrad{}.shape(p, targets, dloss);
  }

  void reference(auto p, auto t, auto dloss, auto dp, auto dt) const {
    const CrossEntropyFromProbabilities forward{epsilon};
    for (Int n = 0; n < p.size(0); ++n) {
      const auto sum = forward.row_sum(p, n);
      auto total = sum * 0;
      for (Int k = 0; k < p.size(1); ++k) total += t(n, k);
      for (Int c = 0; c < p.size(1); ++c) {
        const auto q = forward.clipped(p(n, c));
        dp(n, c) = q == p(n, c) ? dloss(n) * (total / sum - t(n, c) / q) : 0;
        dt(n, c) = dloss(n) * (std::log(sum) - std::log(q));
      }
    }
  }
};

inline Tensors SoftmaxCrossEntropy::vjp(const Vjp& at) const {
  return apply_all(SoftmaxCrossEntropyGrad{}, {at.x(0), at.x(1), at.dy()});
}
inline Tensors CrossEntropyFromProbabilities::vjp(const Vjp& at) const {
  return apply_all(CrossEntropyFromProbabilitiesGrad{epsilon}, {at.x(0), at.x(1), at.dy()});
}

// One loss per sample, [N], from [N, C] and [N, C].
inline Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& targets) {
  return apply(SoftmaxCrossEntropy{}, logits, targets);
}
inline Tensor cross_entropy_from_probabilities(const Tensor& probabilities, const Tensor& targets,
                                               double epsilon = 1e-7) {
  return apply(CrossEntropyFromProbabilities{epsilon}, probabilities, targets);
}

}  // namespace sonograd
