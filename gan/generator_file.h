#pragma once
#include <filesystem>

#include "gan/dcgan.h"
#include "models/weights/weight_file.h"

namespace sonograd {

// A network of a finished run with the facts of its file: `image_size`, `width`, `spectral_norm`, and what
// the writer added.
void save_network(const std::filesystem::path& path, const Network& network, const DcganOptions& options,
                  Facts facts);

struct TrainedGenerator {
  DcganOptions options;
  Network network;
  Facts facts;
};
// Throws Error for a file that is missing, damaged or no generator of a GAN.
TrainedGenerator load_generator(const std::filesystem::path& path, Device device = Device::cpu);

// Sets the parameters from tensors of a file with `prefix` before their names; each must be there in its
// shape.
void restore(const Network& network, const std::string& prefix, const WeightFile& file);
// Sets one value likewise.
void restore(Tensor& value, const std::string& name, const WeightFile& file);

}  // namespace sonograd
