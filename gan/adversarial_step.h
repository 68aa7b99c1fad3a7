#pragma once
#include <array>

#include "gan/augment_policy.h"
#include "gan/dcgan.h"
#include "train/optimizer.h"

namespace sonograd {

// What the discriminator's batch norms do. The notebook sets trainable = False on the discriminator between
// compiling it and compiling the two networks together, and versions of TensorFlow took that differently. B
// is held against Keras; A, which no Keras of today does, against its equations (scripts/golden_gan.py).
enum class NormBehaviour {
  // A, TensorFlow 1.11 … 1.15 by their source: batch statistics in every update, the generator's too;
  // averages never move.
  batch_statistics,
  // B, TensorFlow 2.0 … Keras 2.15: batch statistics and moving averages in the discriminator's own updates;
  // in the generator's it normalises by the averages, which stay.
  moving_averages,
};

// The two networks and their optimizers, each Adam at 2e-4 with beta1 = 0.5.
struct Gan {
  explicit Gan(const DcganOptions& options);
  void initialise(const Random& random, DType dtype, Device device);

  DcganOptions options;
  Network generator, discriminator;
  Adam generator_optimizer, discriminator_optimizer;
};

// Targets of the discriminator's answers [n, 1]: close to 1 for real pictures, close to 0 for generated ones.
struct SmoothedLabels {
  Tensor real, fake;
};
// 1 - 0.05 u and 0.05 u', u uniform in [0, 1): drawn once and kept for the whole training.
SmoothedLabels smoothed_labels(Int n, const Random& random, DType dtype, Device device);

// Noise [n, latent_size], standard normal: element i is a function of the random stream and i alone.
Tensor latent_noise(Int n, const Random& random, DType dtype, Device device);

// Pictures of noise, in inference mode: pixels 0 … 1.
Tensor generate(const Network& generator, const Tensor& noise);

struct AdversarialOptions {
  NormBehaviour norms = NormBehaviour::batch_statistics;
  double learning_rate = 2e-4;
  bool dropout = true;         // the discriminator's, 0.25, active in all updates
  AugmentPolicy augment = {};  // of every picture that the discriminator is shown
  Keras keras = Keras::v2;     // whose rule for the moving variance
  Random random{0};            // dropout's and augmentation's stream, at the step's number
};

// What a step showed before each of its updates.
struct AdversarialResult {
  double real_loss = 0, fake_loss = 0;                // the discriminator's binary cross-entropies
  std::array<double, 2> generator_losses{};           // of the generator's two updates
  double real_accuracy = 0, fake_accuracy = 0;        // share of pictures that the discriminator told right
  double discriminator_norm = 0, generator_norm = 0;  // of the gradients of the last update of each
  Tensor fake = {};                                   // the pictures generated from noise[0]

  double discriminator_loss() const { return (real_loss + fake_loss) / 2; }
  double generator_loss() const { return (generator_losses[0] + generator_losses[1]) / 2; }
};

// One step of the notebook: pictures are generated from noise[0] in inference mode; the discriminator learns
// from the real ones, then from these, in two updates; the generator learns in two more, from noise[1] and
// noise[2], to be held for real. `real` [n, s, s, 3] has pixels 0 … 1. Throws Error where a loss or a
// gradient is not a finite number, before the update that it would spoil; where the gpu's memory is short,
// with a batch that would fit, and updates before that one may be made.
AdversarialResult adversarial_step(Gan& gan, const Tensor& real, const std::array<Tensor, 3>& noise,
                                   const SmoothedLabels& labels, const AdversarialOptions& options);

}  // namespace sonograd
