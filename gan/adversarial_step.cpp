#include "gan/adversarial_step.h"

#include <cmath>
#include <utility>

#include "autograd/tape.h"
#include "ops/binary_cross_entropy/binary_cross_entropy.h"
#include "ops/reduce/reduce.h"
#include "tensor/out_of_memory.h"
#include "train/step.h"

namespace sonograd {
namespace {

// A loss with the gradients of one network's trained parameters and the logits that it rests on.
struct Learned {
  double loss, norm;
  Tensors gradients;
  Tensor logits;
};

template <class Logits>
Learned learn(const Network& network, const Tensor& targets, const Logits& logits_of) {
  Learned learned{};
  auto [loss, gradients] = value_and_gradient(
      [&] {
        const Tensor logits = logits_of();
        learned.logits = logits.detach();
        return mean(binary_cross_entropy(logits, targets), {0, 1});
      },
      values_of(network.trained()));
  learned.norm = global_norm(gradients);  // before the loss is read: a host waits for its gpu once
  learned.loss = loss.item();
  learned.gradients = std::move(gradients);
  expect(std::isfinite(learned.loss) && std::isfinite(learned.norm),
         "the {}'s loss or a gradient of it is not a finite number; try a smaller learning rate",
         network.name());
  return learned;
}

double share_above_zero(const Tensor& logits) {
  Int count = 0;
  for (const double logit : logits.values()) count += logit > 0;
  return static_cast<double>(count) / static_cast<double>(logits.elements());
}

// What a step does to the networks: changes them, or nothing, as it is tried in how much memory it runs.
enum class Change { networks, nothing };

Learned update_discriminator(Gan& gan, const Tensor& pictures, const Tensor& targets, const char* which,
                             const AdversarialOptions& o, Change change) {
  Context context{.training = true, .dropout = o.dropout, .keras = o.keras, .random = o.random.stream(which)};
  const Tensor shown = augmented(pictures, o.augment, context.random.stream("augment"));
  Learned learned = learn(gan.discriminator, targets, [&] { return gan.discriminator(shown, context); });
  const Tensors gradients = std::move(learned.gradients);  // freed on return: the caller reads the rest
  if (change == Change::nothing) return learned;
  if (o.norms == NormBehaviour::moving_averages || gan.options.spectral_norm) apply_updates(context.updates);
  gan.discriminator_optimizer.update(gan.discriminator.trained(), gradients, o.learning_rate);
  return learned;
}

// Frozen norms use the moving averages, as in Keras: behaviour B's discriminator while the generator learns.
class Frozen {
 public:
  explicit Frozen(std::vector<NamedParameter> list) : parameters(std::move(list)) {
    for (const auto& [name, parameter] : parameters) parameter->trainable = false;
  }
  ~Frozen() {
    for (const auto& [name, parameter] : parameters) parameter->trainable = true;
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  std::vector<NamedParameter> parameters;
};

Learned update_generator(Gan& gan, const Tensor& noise, const Tensor& targets, const char* which,
                         const AdversarialOptions& o, Change change) {
  const bool by_averages = o.norms == NormBehaviour::moving_averages;
  const Frozen frozen(by_averages ? gan.discriminator.trained() : std::vector<NamedParameter>{});
  Context context{.training = true, .keras = o.keras};
  Context judging{.training = true, .dropout = o.dropout, .keras = o.keras, .random = o.random.stream(which)};
  const Random augmenting = judging.random.stream("augment");
  Learned learned = learn(gan.generator, targets, [&] {
    return gan.discriminator(augmented(gan.generator(noise, context), o.augment, augmenting), judging);
  });
  const Tensors gradients = std::move(learned.gradients);  // freed on return, as above
  if (change == Change::nothing) return learned;
  apply_updates(context.updates);  // the judge's averages stay
  gan.generator_optimizer.update(gan.generator.trained(), gradients, o.learning_rate);
  return learned;
}

}  // namespace

Gan::Gan(const DcganOptions& options)
    : options(options),
      generator(sonograd::generator(options)),
      discriminator(sonograd::discriminator(options)) {
  generator_optimizer.beta1 = discriminator_optimizer.beta1 = 0.5;
}

void Gan::initialise(const Random& random, DType dtype, Device device) {
  generator.initialise(random, dtype, device);
  discriminator.initialise(random, dtype, device);
}

SmoothedLabels smoothed_labels(Int n, const Random& random, DType dtype, Device device) {
  std::vector<double> real, fake;
  for (Int i = 0; i < n; ++i) {
    real.push_back(1 - 0.05 * random.stream("real").uniform(static_cast<std::uint64_t>(i)));
    fake.push_back(0.05 * random.stream("fake").uniform(static_cast<std::uint64_t>(i)));
  }
  return {Tensor::of({n, 1}, real, dtype, device), Tensor::of({n, 1}, fake, dtype, device)};
}

Tensor latent_noise(Int n, const Random& random, DType dtype, Device device) {
  Tensor noise = Tensor::empty({n, latent_size}, dtype, device);
  initialise(noise, {Init::Kind::normal, 1}, random);
  return noise;
}

Tensor generate(const Network& generator, const Tensor& noise) {
  const NoGrad quiet;
  Context context;
  return generator(noise, context);
}

static AdversarialResult run_step(Gan& gan, const Tensor& real, const std::array<Tensor, 3>& noise,
                                  const SmoothedLabels& labels, const AdversarialOptions& options,
                                  Change change) {
  const Tensor fake = generate(gan.generator, noise[0]);
  const Learned from_real = update_discriminator(gan, real, labels.real, "real", options, change);
  const Learned from_fake = update_discriminator(gan, fake, labels.fake, "fake", options, change);
  const Learned first = update_generator(gan, noise[1], labels.real, "generator 1", options, change);
  const Learned second = update_generator(gan, noise[2], labels.real, "generator 2", options, change);
  return {.real_loss = from_real.loss,
          .fake_loss = from_fake.loss,
          .generator_losses = {first.loss, second.loss},
          .real_accuracy = share_above_zero(from_real.logits),
          .fake_accuracy = 1 - share_above_zero(from_fake.logits),
          .discriminator_norm = from_fake.norm,
          .generator_norm = second.norm,
          .fake = fake};
}

AdversarialResult adversarial_step(Gan& gan, const Tensor& real, const std::array<Tensor, 3>& noise,
                                   const SmoothedLabels& labels, const AdversarialOptions& options) {
  return within_memory(
      real.size(0), [&] { return run_step(gan, real, noise, labels, options, Change::networks); },
      [&](Int n) {
        gan.discriminator_optimizer.state(gan.discriminator.trained());
        gan.generator_optimizer.state(gan.generator.trained());
        const auto first = [n](const Tensor& x) { return x.slice(0, 0, n); };
        run_step(gan, first(real), {first(noise[0]), first(noise[1]), first(noise[2])},
                 {first(labels.real), first(labels.fake)}, options, Change::nothing);
      });
}

}  // namespace sonograd
