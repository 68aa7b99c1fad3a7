#include "data/split.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "data/sha256.h"
#include "data/shuffle.h"
#include "data/stratified.h"

namespace sonograd {
namespace {

std::vector<Int> chosen(const std::vector<Int>& from, const std::vector<Int>& places) {
  std::vector<Int> result;
  result.reserve(places.size());
  for (const Int place : places) result.push_back(from[place]);
  return result;
}

// The groups of a class, each by its first sample, in random order; those of the excluded are left out.
struct Groups {
  std::vector<std::vector<Int>> members;  // by the position of the first

  Groups(const Dataset& data, const std::vector<Int>& groups, const std::vector<Exclusion>& excluded)
      : members(data.size()) {
    std::vector<bool> out(data.size(), false);
    for (const Exclusion& one : excluded) out[one.sample] = true;
    for (Int i = 0; i < data.size(); ++i)
      if (!out[i]) members[groups[i]].push_back(i);
  }

  std::vector<Int> leaders(const Dataset& data, Int label, const Random& random) const {
    std::vector<Int> found;
    for (Int i = 0; i < data.size(); ++i)
      if (!members[i].empty() && data.samples[i].label == label) found.push_back(i);
    return shuffled(std::move(found), random.stream("groups").at(label));
  }
};

// Groups go to test, then to validation, as long as they fit into a tenth of the class (the first may exceed
// it), else to train. Returns the part of each leader: 0 train, 1 validation, 2 test.
std::vector<int> tenths(const Groups& groups, const std::vector<Int>& leaders) {
  Int count = 0;
  for (const Int leader : leaders) count += static_cast<Int>(groups.members[leader].size());
  const Int tenth = std::max<Int>(1, (count + 5) / 10);
  Int filled[3] = {};
  std::vector<int> parts;
  for (const Int leader : leaders) {
    const Int size = static_cast<Int>(groups.members[leader].size());
    const auto fits = [&](int part) {
      return filled[part] + size <= tenth || (filled[part] == 0 && size <= 2 * tenth);
    };
    parts.push_back(fits(2) ? 2 : fits(1) ? 1 : 0);
    filled[parts.back()] += size;
  }
  return parts;
}

// Largest groups first, each to the fold that holds least.
std::vector<int> by_folds(const Groups& groups, std::vector<Int>& leaders, Int folds, Int fold) {
  const auto size = [&](Int leader) { return static_cast<Int>(groups.members[leader].size()); };
  std::stable_sort(leaders.begin(), leaders.end(), [&](Int a, Int b) { return size(a) > size(b); });
  std::vector<Int> filled(folds);
  std::vector<int> parts;
  for (const Int leader : leaders) {
    const Int least = std::min_element(filled.begin(), filled.end()) - filled.begin();
    filled[least] += size(leader);
    parts.push_back(least == fold - 1 ? 2 : least == fold % folds ? 1 : 0);
  }
  return parts;
}

// Both lists keep their lengths; who is in which is drawn anew.
void mix(std::vector<Int>& first, std::vector<Int>& second, const Random& random) {
  std::vector<Int> all = first;
  all.insert(all.end(), second.begin(), second.end());
  all = shuffled(std::move(all), random);
  const auto cut = all.begin() + static_cast<std::ptrdiff_t>(first.size());
  first.assign(all.begin(), cut);
  second.assign(cut, all.end());
}

}  // namespace

std::vector<Int> groups_by_key(const std::vector<std::string>& keys) {
  std::unordered_map<std::string, Int> first;
  std::vector<Int> groups;
  for (Int i = 0; i < static_cast<Int>(keys.size()); ++i)
    groups.push_back(first.try_emplace(keys[i], i).first->second);
  return groups;
}

Split paper_split(const Dataset& data, const std::vector<Int>& groups, std::uint64_t seed) {
  Split split{"paper", seed};
  split.groups = groups;
  const std::vector<Int> labels = data.labels();
  const Int classes = static_cast<Int>(data.classes.size());
  TwoParts outer = stratified_split(labels, classes, 0.2, seed);
  const TwoParts inner = stratified_split(chosen(labels, outer.second), classes, 0.5, seed);
  split.train = std::move(outer.first);
  split.validation = chosen(outer.second, inner.first);
  split.test = chosen(outer.second, inner.second);
  return split;
}

Split grouped_split(const Dataset& data, const std::vector<Int>& groups, std::uint64_t seed,
                    std::vector<Exclusion> excluded, bool validation_apart, Int folds, Int fold) {
  if (folds != 0 && (folds < 3 || fold < 1 || fold > folds))
    throw UsageError("split: fold {} of {}; a k-fold needs 3 or more folds, counted from 1", fold, folds);
  const Groups all(data, groups, excluded);
  const Random random(seed, "grouped split");
  Split split{"grouped", seed};
  split.groups = groups;
  split.excluded = std::move(excluded);
  split.folds = folds;
  split.fold = folds == 0 ? 0 : fold;
  std::vector<Int>* const parts[] = {&split.train, &split.validation, &split.test};
  for (Int label = 0; label < static_cast<Int>(data.classes.size()); ++label) {
    std::vector<Int> leaders = all.leaders(data, label, random);
    const std::vector<int> part = folds == 0 ? tenths(all, leaders) : by_folds(all, leaders, folds, fold);
    std::vector<Int> in_class[3];
    for (std::size_t i = 0; i < leaders.size(); ++i) {
      const std::vector<Int>& members = all.members[leaders[i]];
      in_class[part[i]].insert(in_class[part[i]].end(), members.begin(), members.end());
    }
    if (!validation_apart) mix(in_class[0], in_class[1], random.stream("blind validation").at(label));
    for (int p = 0; p < 3; ++p) parts[p]->insert(parts[p]->end(), in_class[p].begin(), in_class[p].end());
    expect(!in_class[0].empty() && !in_class[1].empty() && !in_class[2].empty(),
           "split: class {} has {} images in {} groups, which cannot be shared out over train, validation "
           "and test; near duplicates are one group, and {} images are left out as their labels conflict: "
           "`sonograd data audit` shows both; add images",
           data.classes[label], in_class[0].size() + in_class[1].size() + in_class[2].size(), leaders.size(),
           split.excluded.size());
  }
  split.train = shuffled(std::move(split.train), random.stream("train"));
  split.validation = shuffled(std::move(split.validation), random.stream("validation"));
  split.test = shuffled(std::move(split.test), random.stream("test"));
  return split;
}

std::string split_hash(const Dataset& data, const Split& split) {
  std::array<FileHashes, 3> parts;
  auto files = parts.begin();
  for (const std::vector<Int>* part : {&split.train, &split.validation, &split.test}) {
    for (const Int i : *part) files->emplace_back(data.samples[i].file, data.samples[i].sha256);
    ++files;
  }
  return split_hash(parts);
}

std::string split_hash(const std::array<FileHashes, 3>& parts) {
  std::string text;
  for (const FileHashes& part : parts) {
    for (const auto& [file, hash] : part) text.append(file).append(1, '\0').append(hash).append(1, '\n');
    text += '\n';
  }
  return sha256(text);
}

}  // namespace sonograd
