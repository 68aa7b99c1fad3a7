#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/find_again.h"
#include "data/folder.h"

namespace sonograd {

// Two samples that show the same picture, by their positions in the dataset.
struct Twins {
  Int first = 0, second = 0;
  Overlap overlap = {};   // of exact twins: correlation 1, no flip, the whole pictures
  std::string kind = {};  // "same bytes", "same pixels", or what was done: "flipped left-right, cropped"
};

struct Duplicates {
  std::vector<Twins> exact;      // the same bytes, or the same pixels after decoding
  std::vector<Twins> near;       // not exact, but found again: flipped, cropped, shifted, with other gain
  std::vector<Twins> conflicts;  // exact or near, with different labels
  std::vector<Int> groups;       // one a sample: the first of the samples that twins connect it with
};

// Near twins: hashes of some two windows of theirs differ in at most `near_bits` of 256 bits, and the fine
// structures there correlate by `near_correlation` or more. Chosen on the 780 images of BUSI: 200 flipped,
// cropped, shifted and re-gained copies differed in at most 65 bits and correlated by 0.92 or more; of the
// folder's own pairs only 25 lie between 0.55 and 0.95 (docs/data.md).
constexpr int near_bits = 68;
constexpr double near_correlation = 0.6;

// Compares every image with every other, or the pairs alone that matter. Reads the files, so what is found
// depends on nothing but them; one that cannot be read moves to data.bad. Samples that are no files of the
// folder are left alone. `matters` is asked for positions among the samples as they are given, by several
// threads.
Duplicates find_duplicates(Dataset& data, const std::function<bool(Int first, Int second)>& matters = {});

// The groups that were found, by content, so that they hold however the files are ordered: the SHA-256 of
// each file, and of the first file of its group.
using KnownGroups = std::map<std::string, std::string>;
KnownGroups find_groups(Dataset data);

// A dataset's groups, as in Duplicates. Throws Error for a file that was not among those compared.
std::vector<Int> groups_of(const Dataset& data, const KnownGroups& known);

}  // namespace sonograd
