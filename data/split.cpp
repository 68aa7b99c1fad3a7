#include "data/split.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "data/sha256.h"
#include "data/shuffle.h"
#include "data/stratified.h"
#include "tensor/error.h"

namespace sonograd {
namespace {

std::vector<Int> chosen(const std::vector<Int>& from, const std::vector<Int>& places) {
  std::vector<Int> result;
  for (const Int place : places) result.push_back(from[place]);
  return result;
}

void paper_split(const Dataset& data, Split& split) {
  const std::vector<Int> labels = data.labels();
  const Int classes = static_cast<Int>(data.classes.size());
  TwoParts outer = stratified_split(labels, classes, 0.2, split.seed);
  const TwoParts inner = stratified_split(chosen(labels, outer.second), classes, 0.5, split.seed);
  split.train = std::move(outer.first);
  split.validation = chosen(outer.second, inner.first);
  split.test = chosen(outer.second, inner.second);
}

// Class by class: groups in random order go to test, then to validation, as long as they fit into a tenth of
// the class (the first may exceed it), else to train. A group of several classes counts for that of its first
// sample.
void grouped_split(const Dataset& data, Split& split) {
  const std::vector<Int> counts = data.class_counts();
  std::vector<std::vector<Int>> members(data.size());
  for (Int i = 0; i < data.size(); ++i) members[split.groups[i]].push_back(i);
  const Random random(split.seed, "grouped split");
  for (Int label = 0; label < static_cast<Int>(counts.size()); ++label) {
    std::vector<Int> leaders;
    for (Int i = 0; i < data.size(); ++i)
      if (!members[i].empty() && data.samples[i].label == label) leaders.push_back(i);
    leaders = shuffled(std::move(leaders), random.stream("groups").at(label));
    const Int tenth = std::max<Int>(1, (counts[label] + 5) / 10);
    Int in_test = 0, in_validation = 0, in_train = 0;
    for (const Int leader : leaders) {
      const Int size = static_cast<Int>(members[leader].size());
      const auto fits = [&](Int filled) {
        return filled + size <= tenth || (filled == 0 && size <= 2 * tenth);
      };
      Int& filled = fits(in_test) ? in_test : fits(in_validation) ? in_validation : in_train;
      std::vector<Int>& part = &filled == &in_test         ? split.test
                               : &filled == &in_validation ? split.validation
                                                           : split.train;
      filled += size;
      part.insert(part.end(), members[leader].begin(), members[leader].end());
    }
    expect(in_validation > 0 && in_train > 0,  // test is filled before validation
           "split: class {} has {} images in {} groups, which cannot be shared out over train, validation "
           "and test; add images",
           data.classes[label], counts[label], leaders.size());
  }
  split.train = shuffled(std::move(split.train), random.stream("train"));
  split.validation = shuffled(std::move(split.validation), random.stream("validation"));
  split.test = shuffled(std::move(split.test), random.stream("test"));
}

}  // namespace

std::vector<Int> groups_by_key(const std::vector<std::string>& keys) {
  std::unordered_map<std::string, Int> first;
  std::vector<Int> groups;
  for (Int i = 0; i < static_cast<Int>(keys.size()); ++i)
    groups.push_back(first.try_emplace(keys[i], i).first->second);
  return groups;
}

Split make_split(const Dataset& data, const std::vector<Int>& groups, const std::string& protocol,
                 std::uint64_t seed) {
  expect(static_cast<Int>(groups.size()) == data.size(), "split: {} groups for {} samples", groups.size(),
         data.size());
  Split split{protocol, seed, {}, {}, {}, groups};
  if (protocol == "paper")
    paper_split(data, split);
  else if (protocol == "grouped")
    grouped_split(data, split);
  else
    throw UsageError("split: the protocol is paper or grouped, not {}", protocol);
  return split;
}

std::string split_hash(const Dataset& data, const Split& split) {
  std::string text;
  for (const std::vector<Int>* part : {&split.train, &split.validation, &split.test}) {
    for (const Int i : *part) text += data.samples[i].file + '\0' + data.samples[i].sha256 + '\n';
    text += '\n';
  }
  return sha256(text);
}

}  // namespace sonograd
