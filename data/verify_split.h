#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// A kind of leakage, by Kapoor & Narayanan 2023, "Leakage and the reproducibility crisis in
// machine-learning-based science", Patterns 4(9) 100804, table 1.
struct LeakKind {
  const char* label;
  const char* name;
};

// An image that is held out, and one that trains (or validates) although it should not know it.
struct Leak {
  LeakKind kind;
  std::string part, file;         // "test" or "validation"
  std::string other_part, other;  // may be empty
  std::string evidence;
};

struct SplitCheck {
  Int train = 0, validation = 0, test = 0;
  bool pictures_compared = false;
  std::vector<std::string> changed;  // files that are missing or have other bytes than the split says
  std::vector<Leak> leaks;           // at most one of each kind and origin for an image

  bool holds() const { return changed.empty() && leaks.empty(); }
};

// What a split.json itself says: equal hashes, groups and sources in two parts, generators that saw held-out
// images, derived images held out, no test set. With a data folder also its files: every hash anew, and every
// original compared with every other as `data audit` does. Held out: test from train and validation,
// validation from train. Throws Error for a file that is no split.
SplitCheck verify_split(const std::filesystem::path& split, const std::filesystem::path& data = {});

}  // namespace sonograd
