#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include "data/folder.h"
#include "data/images.h"
#include "gan/dcgan.h"

namespace sonograd {

// Generated pictures first … first + count - 1 of a seed, as bytes. Picture i is a function of the weights,
// the seed and i: always 16 are computed together, however many are asked for. `progress` hears how many are
// done.
ImageSet sample_images(const Network& generator, std::uint64_t seed, Int first, Int count,
                       const std::function<void(Int done)>& progress = {});

// Pictures on the way from one noise to another, both ends among them, along the great circle (Shoemake's
// slerp: a mean of two normal vectors would be shorter than any that the generator was trained on).
ImageSet interpolation(const Network& generator, const Random& random, Int steps);

// Where generated pictures come from: every picture of a GAN descends from every picture that trained it.
struct Lineage {
  std::string class_name;
  std::vector<LabelledFile> ancestors = {};
  std::string run = {}, generator_sha256 = {};
  std::uint64_t seed = 0;
  std::vector<LabelledFile> images =
      {};  // names in the folder and hashes, picture i of the seed being images[i]
};
std::string lineage_json(const Lineage& lineage);
// The part of a lineage that a run keeps: class and ancestors. Throws Error for a file that holds none.
Lineage read_lineage(const std::filesystem::path& path);

// Throws Error where write_samples would refuse the folder.
void check_samples_folder(const std::filesystem::path& folder);

// Writes gen_0.png … and lineage.json (last) into a folder, PNG with an alpha channel of 255 as the
// notebook's. Throws Error where the folder holds anything else than the pictures of a sampling that was cut
// short.
void write_samples(const std::filesystem::path& folder, const ImageSet& pictures, Lineage lineage);

}  // namespace sonograd
