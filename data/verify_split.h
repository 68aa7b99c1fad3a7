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
  Int more = 0;  // further images to which the same evidence ties it, not named
};

struct SplitCheck {
  Int train = 0, validation = 0, test = 0;
  bool pictures_compared = false;
  // Files that are missing, cannot be read or have other bytes than the split says; lineages that tell
  // another thing than it.
  std::vector<std::string> changed;
  // Every pair of twins; of what else ties two parts, the first three images that an image is tied to by one
  // evidence.
  std::vector<Leak> leaks;
  // The folder's images that are in no part: those that the split lists as left out, and those that it does
  // not name.
  Int left_out = 0;
  std::vector<std::string> unnamed;

  bool holds() const { return changed.empty() && leaks.empty(); }
};

// What a split.json itself says: equal hashes, groups and sources in two parts, generators that saw held-out
// images, derived images held out, no test set. With a data folder also its files: every hash anew, the
// generated pictures' lineages, and every picture compared as `data audit` does with those of other parts:
// scans with scans and with generated pictures, for a copy its source, be that in a part or not. Held out:
// test from train and validation, validation from train. Throws Error for a file that is no split.
SplitCheck verify_split(const std::filesystem::path& split, const std::filesystem::path& data = {});

}  // namespace sonograd
