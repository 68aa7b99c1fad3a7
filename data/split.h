#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder.h"

namespace sonograd {

// Three parts of a dataset, as positions in its list of samples, in the split's order.
struct Split {
  std::string protocol;  // "paper" or "grouped"
  std::uint64_t seed = 0;
  std::vector<Int> train, validation, test;
  std::vector<Int> groups;  // one a sample: the position of the first sample of its group
};

// Samples with equal keys (SHA-256 of the file, or of the decoded picture: ImageSet::content) form a group;
// returns the position of the first of its group for each sample.
std::vector<Int> groups_by_key(const std::vector<std::string>& keys);

// "paper": two stratified splits of scikit-learn, 80 % to train, the rest halved, as the paper's notebook;
// blind to groups. "grouped": about 10 % of each class to test and to validation, no group in two parts, each
// part with every class. Throws Error for too few images or groups, UsageError for another protocol.
Split make_split(const Dataset& data, const std::vector<Int>& groups, const std::string& protocol,
                 std::uint64_t seed);

// SHA-256 over the names and contents of the three parts in their order.
std::string split_hash(const Dataset& data, const Split& split);

// split.json: protocol, seed, classes[], hash and train[], validation[], test[] of {file, label, class,
// sha256, group}.
std::string split_text(const Dataset& data, const Split& split);
void write_split(const std::filesystem::path& path, const Dataset& data, const Split& split);

// The split of a file, found again in the dataset; throws Error for a file that is no split, for other
// classes, and for an image that is missing or has other content. Images that the split does not name are
// left out of all parts.
Split read_split(const std::filesystem::path& path, const Dataset& data);

}  // namespace sonograd
