#pragma once
#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/images.h"

namespace sonograd {

struct Exclusion {
  Int sample = 0;
  std::string reason;
};

// Three parts of a dataset, as positions in its list of samples, in the split's order.
struct Split {
  std::string protocol;  // "paper" or one of the ladder's (data/protocol.h)
  std::uint64_t seed = 0;
  std::vector<Int> train = {}, validation = {}, test = {};
  std::vector<Int> groups = {};  // one a sample: the position of the first sample of its group
  // Likewise, of near duplicates, whether the protocol minds them or not: what intervals go by. All pictures
  // that one GAN made are a group. Empty: not looked for.
  std::vector<Int> related = {};
  std::string arm = "original";
  Int folds = 0, fold = 0;  // of a grouped k-fold, fold 1 … folds; 0: none
  std::vector<Exclusion> excluded = {};
  bool random_labels = false;
};

// Samples with equal keys (SHA-256 of the file, or of the decoded picture: ImageSet::content) form a group;
// returns the position of the first of its group for each sample.
std::vector<Int> groups_by_key(const std::vector<std::string>& keys);

// The paper's: two stratified splits of scikit-learn, 80 % to train, the rest halved; blind to groups. Throws
// Error for too few images.
Split paper_split(const Dataset& data, const std::vector<Int>& groups, std::uint64_t seed);

// About 10 % of each class to test and to validation, no group in two parts, each part with every class,
// nothing excluded in any. Unless `validation_apart`, as many images validate, drawn blind to groups from all
// that do not test. With folds, k parts of each class as even as the groups allow: `fold` tests, the
// next one validates, the others train. Throws Error for too few images or groups, UsageError for folds below
// 3 or a fold that is none.
Split grouped_split(const Dataset& data, const std::vector<Int>& groups, std::uint64_t seed,
                    std::vector<Exclusion> excluded = {}, bool validation_apart = true, Int folds = 0,
                    Int fold = 1);

// SHA-256 over the names and contents of the three parts in their order.
std::string split_hash(const Dataset& data, const Split& split);
// The same of files and their SHA-256, for those of training, validation and test.
using FileHashes = std::vector<std::pair<std::string, std::string>>;
std::string split_hash(const std::array<FileHashes, 3>& parts);

// split.json: protocol, arm, seed, classes[], hash, random_labels where they are; train[], validation[],
// test[] of {file, label, class, sha256, group, related where it was looked for}, with `augmented` {source,
// pass, angle, left_right, up_down} or `generated` {generator, index} where the image is none of the
// folder's; excluded[] of {file, reason}; generators[] of {run, seed, generator_sha256,
// ancestors}.
std::string split_text(const Dataset& data, const Split& split);
void write_split(const std::filesystem::path& path, const Dataset& data, const Split& split);

// The split of a file, found again in the dataset; its derived images are made again and appended to both.
// Throws Error for a file that is no split, for other classes, and for an image that is missing or has other
// content. Images that the split does not name are left out of all parts.
Split read_split(const std::filesystem::path& path, Dataset& data, ImageSet& images);
// The same without the derived images.
Split read_split(const std::filesystem::path& path, const Dataset& data);

}  // namespace sonograd
