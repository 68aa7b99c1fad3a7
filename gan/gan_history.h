#pragma once
#include <filesystem>
#include <vector>

#include "gan/adversarial_step.h"

namespace sonograd {

// A row of a GAN's history.csv: what a step showed before each of its updates.
struct GanStep {
  Int step = 0;  // from 1
  double real_loss = 0, fake_loss = 0, generator_loss = 0;
  double real_accuracy = 0, fake_accuracy = 0;  // the discriminator's, its answers parted at probability 0.5
  double discriminator_norm = 0, generator_norm = 0;
  double similarity = 0;  // of the step's generated pictures, mean_similarity (gan/pictures.h)
  double seconds = 0;     // that the step took
};
using GanHistory = std::vector<GanStep>;

void write_gan_history(const std::filesystem::path& path, const GanHistory& history);
// Throws Error for a file that holds no such history.
GanHistory read_gan_history(const std::filesystem::path& path);

// The step with its numbers rounded as history.csv keeps them, so that what follows from them does not depend
// on whether they were read back.
GanStep as_written(GanStep step);

// Means over the last `most` steps; `step` is the last one, `seconds` the sum over all.
constexpr Int recent_steps = 100;
GanStep recent(const GanHistory& history, Int most = recent_steps);

}  // namespace sonograd
