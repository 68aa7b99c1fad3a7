#include "data/protocol.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/file.h"
#include "data/stratified.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// 60, 40 and 20 pictures; every seventh is a copy of the one before it, and the first twelve are all the
// same.
Dataset dataset() {
  Dataset data;
  data.root = "pictures";
  data.classes = {"a", "b", "c"};
  for (Int i = 0; i < 120; ++i) {
    const Int label = i < 60 ? 0 : i < 100 ? 1 : 2;
    const Int content = i < 12 ? 0 : i % 7 == 0 ? i - 1 : i;
    data.samples.push_back(
        {fmt::format("{}/{}.png", data.classes[label], i), label, fmt::format("hash{}", content)});
  }
  return data;
}

std::vector<Int> groups_of(const Dataset& data) {
  std::vector<std::string> keys;
  for (const LabelledFile& sample : data.samples) keys.push_back(sample.sha256);
  return groups_by_key(keys);
}

}  // namespace

TEST_CASE("equal keys form groups led by their first sample") {
  CHECK(groups_by_key({"x", "y", "x", "z", "y"}) == std::vector<Int>{0, 1, 0, 3, 1});
}

TEST_CASE("the grouped split keeps groups whole and classes in proportion") {
  const Dataset data = dataset();
  const std::vector<Int> groups = groups_of(data);
  std::set<std::vector<Int>> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Split split = grouped_split(data, groups, seed);
    std::map<Int, std::set<int>> parts_of_group;
    std::vector<Int> all;
    int part = 0;
    for (const std::vector<Int>* list : {&split.train, &split.validation, &split.test}) {
      std::vector<Int> counts(3);
      for (const Int i : *list) {
        parts_of_group[groups[i]].insert(part);
        all.push_back(i);
        ++counts[data.samples[i].label];
      }
      if (part > 0)
        for (Int label = 0; label < 3; ++label) CHECK(counts[label] >= 1);
      if (part > 0) CHECK(std::abs(counts[1] - 4) <= 1);
      ++part;
    }
    for (const auto& [group, parts] : parts_of_group) CHECK(parts.size() == 1);
    std::sort(all.begin(), all.end());
    CHECK(all.size() == 120);
    CHECK(std::unique(all.begin(), all.end()) == all.end());
    CHECK(split.test == grouped_split(data, groups, seed).test);
    seen.insert(split.test);
  }
  CHECK(seen.size() == 20);
}

TEST_CASE("a split reads back as it was written") {
  const TemporaryFolder folder;
  const fs::path file = folder / "split.json";
  const Dataset data = dataset();
  const Split split = paper_split(data, groups_of(data), 42);
  write_split(file, data, split);
  const Split read = read_split(file, data);
  CHECK(read.protocol == "paper");
  CHECK(read.seed == 42);
  CHECK(read.train == split.train);
  CHECK(read.validation == split.validation);
  CHECK(read.test == split.test);
  CHECK(read.groups == split.groups);
  CHECK(split_hash(data, read) == split_hash(data, split));
  CHECK(split_hash(data, paper_split(data, split.groups, 43)) != split_hash(data, split));

  Dataset changed = data;
  changed.samples[7].sha256 = "other";
  CHECK(has(error_of([&] { read_split(file, changed); }), "a/7.png has changed since the split was made"));
  changed = data;
  changed.samples.pop_back();
  CHECK(
      has(error_of([&] { read_split(file, changed); }), "it names c/119.png, which pictures does not hold"));
  changed = data;
  changed.classes = {"a", "c", "b"};
  CHECK(has(error_of([&] { read_split(file, changed); }),
            "its classes are a,b,c, those of pictures are a,c,b"));
  Split twice = split;
  twice.test.push_back(twice.train[0]);
  write_split(file, data, twice);
  CHECK(has(error_of([&] { read_split(file, data); }), "stands in it twice (train, test)"));
  write_file_atomically(file, "{\"train\": []");
  CHECK(has(error_of([&] { read_split(file, data); }), "not a split.json"));
}

TEST_CASE("too few images, groups or an unknown protocol are errors") {
  const Dataset data = dataset();
  CHECK(has(error_of([&] { prepare(data, 8, {.protocol = "random"}); }),
            "the protocol is paper, derived-first, split-first"));
  std::vector<Int> one_group = groups_of(data);
  for (Int i = 100; i < 120; ++i) one_group[i] = 100;
  CHECK(has(error_of([&] { grouped_split(data, one_group, 1); }), "class c has 20 images in 1 groups"));
  CHECK(has(error_of([&] {
              stratified_split(std::vector<Int>{0, 0, 0, 1}, 2, 0.5, 1);
            }),
            "class 1 has 1 images"));
  CHECK(has(error_of([&] {
              stratified_split(std::vector<Int>{0, 0, 1, 1}, 2, 0.2, 1);
            }),
            "too few for 2 classes"));
  CHECK(has(error_of([&] {
              stratified_split(std::vector<Int>{0, 0, 1, 1}, 2, 0.5, 1ull << 32);
            }),
            "below 2^32"));
}
