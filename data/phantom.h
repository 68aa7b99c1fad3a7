#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data/image.h"

namespace sonograd {

// A synthetic breast ultrasound scan. Classes as in the real data: 0 benign (a smooth, wide, dark ellipse,
// brighter behind), 1 normal (tissue layers, fat lobules and shadows of ligaments, no lesion), 2 malignant
// (dark, irregular with spicules, often taller than wide, a shadow behind). A stand-in for tests and
// demonstrations, not for medical claims.
struct Phantom {
  Image image;                     // grey in three channels
  std::vector<std::uint8_t> mask;  // 255 in the lesion, 0 elsewhere; [size, size]
};

// The phantom `index` of a class is a pure function of its arguments. Throws Error for a size below 16.
Phantom make_phantom(Int label, Int index, std::uint64_t seed, Int size = 256);

// `count` phantoms in all, spread evenly over the classes, with BUSI's names: "benign/benign (1).png" and
// "benign/benign (1)_mask.png". Throws Error for a count below 3 and for a folder that holds other images.
// `progress` hears how many are done, from any thread, one call at a time.
void write_phantoms(const std::filesystem::path& folder, Int count, std::uint64_t seed, Int size = 256,
                    const std::function<void(Int done)>& progress = {});

// What a scan passes through, before any echo is formed; planes of [size, size], row 0 at the probe.
struct Tissue {
  std::vector<float> echo;  // mean echo strength, dB
  std::vector<float>
      loss;  // attenuation beyond what the machine compensates, dB over the image's whole depth
  std::vector<std::uint8_t> mask;
};
Tissue make_tissue(Int label, Int index, std::uint64_t seed, Int size);

}  // namespace sonograd
