#include "layers/across.h"

#include "autograd/tape.h"
#include "autograd/tape_op.h"
#include "ops/batch_norm/frozen.h"

namespace sonograd {
namespace {

// y = Σ x over the processes as an op for the tape alone.
class SumAcross final : public TapeOp {
 public:
  explicit SumAcross(std::function<void(Tensor&)> sum) : sum(std::move(sum)) {}

  std::string_view name() const override { return "sum_across"; }
  bool saves_input(int, const std::vector<bool>&) const override { return false; }

  Tensors vjp(const Vjp& at) const override {
    Tensor dx = at.dy().copy();
    sum(dx);
    return {dx};
  }

 private:
  std::function<void(Tensor&)> sum;
};

}  // namespace

Tensor sum_across(const Tensor& x, const Across& across) {
  static const OpEntry entry{.equation = "y = sum of x over the processes", .name = "sum_across"};
  Tensors y{x.copy()};
  across.sum(y[0]);
  if (is_recording()) record_call(std::make_shared<SumAcross>(across.sum), entry, {x}, y);
  return y[0];
}

// μ = Σ_p s[p]·μ[p],   σ² = Σ_p s[p]·(σ²[p] + (μ[p] − μ)²)   over the processes p with shares s[p] of the
// images (Chan, Golub & LeVeque 1979); backward follows from the ops that this is made of.
Normalised batch_norm_across(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                             const BatchNormTrain& attributes, const Across& across) {
  const Normalised own = batch_norm_train(x, gamma.detach(), beta.detach(), attributes);
  const Tensor share = scalar_like(own.mean, across.share);
  const Tensor mean = sum_across(multiply(own.mean, share), across);
  const Tensor apart = subtract(own.mean, mean);
  const Tensor variance = sum_across(multiply(add(own.variance, multiply(apart, apart)), share), across);
  const BatchNormFrozen normalise{.epsilon = attributes.epsilon, .activation = attributes.activation};
  return {batch_norm_frozen(x, gamma, beta, mean, variance, normalise), mean, variance};
}

}  // namespace sonograd
