#pragma once
#include <filesystem>

#include "data/images.h"

namespace sonograd {

// What an experiment adds to the original images: nothing, turned copies of them, or pictures made by GANs.
enum class Arm { original, augmented, gan };
const char* name_of(Arm arm);
Arm arm_named(const std::string& name);  // throws UsageError

// The notebook's target: about as many images of each class.
constexpr Int published_target = 1350;

// The notebook's counts for a class of `images` that is to grow towards `target`: copies of each image,
// ⌊target/images⌋, and generated images, (target − images)/step rounded half to even, times step; at least 0.
Int copies_of_each(Int images, Int target);
Int generated_images(Int images, Int target, Int step = 40);

// Appends turned copies of the originals at `sources`, class by class, pass by pass, copies[label] passes of
// a class, and returns their positions. A copy's turn is a function of seed, file and pass alone.
std::vector<Int> add_augmented(Dataset& data, ImageSet& images, const std::vector<Int>& sources,
                               const std::vector<Int>& copies, Keras keras, std::uint64_t seed);
// What stands for a copy's SHA-256: that of its source's and its turn.
std::string copy_hash(const std::string& source_sha256, const Turn& turn);
// One copy, as it was drawn before; for splits that are read back.
Int add_copy(Dataset& data, ImageSet& images, const Augmented& copy);

// Appends the first counts[label] pictures of each class from `folder`, which holds what `gan sample` wrote,
// a sub-folder a class: pictures and lineage.json. Returns their positions. Throws Error where pictures are
// missing, are fewer, are not those that the lineage hashes or cannot be read.
std::vector<Int> add_generated(Dataset& data, ImageSet& images, const std::filesystem::path& folder,
                               const std::vector<Int>& counts);
// Reads and appends the pictures of `made`, a dataset of generated ones with data's root.
std::vector<Int> append_generated(Dataset& data, ImageSet& images, Dataset made);

}  // namespace sonograd
