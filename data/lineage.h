#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "data/turn.h"

namespace sonograd {

struct Original {};  // a file of the data folder

// A turned copy of an original.
struct Augmented {
  Int source = 0;  // its position among the samples
  Int pass = 1;    // which of the source's copies
  Turn turn;
};

// A picture that a GAN made.
struct Generated {
  Int generator = 0;  // its position in Dataset::generators
  Int index = 0;      // which of the generator's pictures
};

// What an image was made from.
using Origin = std::variant<Original, Augmented, Generated>;
inline bool is_original(const Origin& origin) {
  return std::holds_alternative<Original>(origin);
}

// A trained GAN, by what its pictures' lineage.json tells of it.
struct GeneratorOrigin {
  std::string run;
  std::uint64_t seed = 0;
  std::vector<std::string> ancestors;  // SHA-256 of each file that it was trained on
  std::string sha256 = {};             // of its weights; empty in splits of versions that did not keep it
};

}  // namespace sonograd
