#pragma once
#include <filesystem>
#include <string>

#include "gan/adversarial_step.h"

namespace sonograd {

// checkpoint.safetensors of a GAN: both networks, the moving average of the generator if there is one, both
// optimizers' moments and step counts, and the number of steps that are over. `settings` are the facts that a
// resumed run must share (train/checkpoint.h).
void save_gan_checkpoint(const std::filesystem::path& path, Gan& gan, const Network* average, Int step,
                         const std::string& settings);

// Restores all of it and returns the number of steps. Throws Error where the file is missing, damaged or of
// other settings.
Int load_gan_checkpoint(const std::filesystem::path& path, Gan& gan, const Network* average,
                        const std::string& settings);

}  // namespace sonograd
