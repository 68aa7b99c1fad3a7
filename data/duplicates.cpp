#include "data/duplicates.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "data/decode.h"
#include "data/sha256.h"
#include "data/split.h"

namespace sonograd {
namespace {

using PairTest = std::function<bool(Int first, Int second)>;

struct Picture {
  Int place = 0;        // among the samples as they were given
  std::string content;  // SHA-256 of size and pixels
  Fingerprint print;
  WindowHashes hashes;
};

// Moves what cannot be read to data.bad.
std::vector<Picture> read_all(Dataset& data) {
  std::vector<Picture> pictures(data.size());
  std::vector<std::string> reasons(data.size());
  parallel_for(data.size(), 1, [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) {
      if (!is_original(data.samples[i].origin)) continue;
      try {
        const std::string file = read_file(data.root / data.samples[i].file);
        const Image image = decode_image(bytes_of(file));
        pictures[i].content = fmt::format("{}x{} {}", image.height, image.width, sha256(image.pixels));
        pictures[i].print = Fingerprint(image);
        pictures[i].hashes = WindowHashes(pictures[i].print);
      } catch (const std::exception& error) {
        reasons[i] = error.what();
      }
    }
  });
  std::vector<Picture> readable;
  for (Int i = 0; i < data.size(); ++i) {
    pictures[i].place = i;
    if (reasons[i].empty()) readable.push_back(std::move(pictures[i]));
  }
  move_to_bad(data, reasons);
  return readable;
}

// What makes the second picture of the first.
std::string made_by(const Overlap& m) {
  std::vector<std::string> steps;
  constexpr const char* names[] = {"", "flipped left-right", "flipped up-down", "turned by 180 degrees"};
  if (m.flip != Flip::none) steps.emplace_back(names[static_cast<int>(m.flip)]);
  const double across = (m.first.right - m.first.left) / (m.second.right - m.second.left);
  const double down = (m.first.bottom - m.first.top) / (m.second.bottom - m.second.top);
  const Crop seen = flipped(m.second, m.flip);
  constexpr double little = 0.015;
  if (std::max(std::abs(across - 1), std::abs(down - 1)) > 2 * little)
    steps.push_back(fmt::format("cropped, {:.0f} x {:.0f} % of the {}", 100 * std::min(across, 1 / across),
                                100 * std::min(down, 1 / down), across * down < 1 ? "first" : "second"));
  else if (std::max(std::abs(m.first.left - seen.left), std::abs(m.first.top - seen.top)) > little)
    steps.push_back(fmt::format("shifted by {:.0f} and {:.0f} %", 100 * std::abs(m.first.left - seen.left),
                                100 * std::abs(m.first.top - seen.top)));
  return steps.empty() ? "same place" : fmt::format("{}", fmt::join(steps, ", "));
}

// The twins of sample i among those behind it.
std::vector<Twins> twins_of(const Dataset& data, const std::vector<Picture>& pictures, Int i,
                            const PairTest& matters) {
  std::vector<Twins> found;
  for (Int j = i + 1; j < data.size(); ++j) {
    if (pictures[i].content.empty() || pictures[j].content.empty()) continue;
    if (matters && !matters(pictures[i].place, pictures[j].place)) continue;
    const bool bytes = data.samples[i].sha256 == data.samples[j].sha256;
    if (bytes || pictures[i].content == pictures[j].content) {
      found.push_back({i, j, {.correlation = 1}, bytes ? "same bytes" : "same pixels"});
      continue;
    }
    Overlap overlap = WindowHashes::nearest(pictures[i].hashes, pictures[j].hashes);
    if (overlap.bits > near_bits) continue;
    overlap = confirm(pictures[i].print, pictures[j].print, overlap);
    if (overlap.correlation >= near_correlation) found.push_back({i, j, overlap, made_by(overlap)});
  }
  return found;
}

Int root_of(std::vector<Int>& groups, Int i) {
  while (groups[i] != i) i = groups[i];
  return i;
}

}  // namespace

Duplicates find_duplicates(Dataset& data, const PairTest& matters) {
  const std::vector<Picture> pictures = read_all(data);
  const Int n = data.size();
  std::vector<std::vector<Twins>> twins(n);
  parallel_for(n, 1, [&](Int begin, Int end) {
    for (Int k = begin; k < end; ++k) {  // long and short rows in turn
      const Int i = k % 2 == 0 ? k / 2 : n - 1 - k / 2;
      twins[i] = twins_of(data, pictures, i, matters);
    }
  });
  Duplicates found;
  found.groups.resize(n);
  std::iota(found.groups.begin(), found.groups.end(), 0);
  for (const std::vector<Twins>& row : twins)
    for (const Twins& pair : row) {
      (pair.kind == "same bytes" || pair.kind == "same pixels" ? found.exact : found.near).push_back(pair);
      if (data.samples[pair.first].label != data.samples[pair.second].label) found.conflicts.push_back(pair);
      const Int first = root_of(found.groups, pair.first), second = root_of(found.groups, pair.second);
      found.groups[std::max(first, second)] = std::min(first, second);
    }
  for (Int i = 0; i < n; ++i) found.groups[i] = root_of(found.groups, i);
  return found;
}

KnownGroups find_groups(Dataset data) {
  const std::vector<Int> groups = find_duplicates(data).groups;
  KnownGroups known;
  for (Int i = 0; i < data.size(); ++i) known[data.samples[i].sha256] = data.samples[groups[i]].sha256;
  return known;
}

std::vector<Int> groups_of(const Dataset& data, const KnownGroups& known) {
  std::vector<std::string> leaders;
  for (const LabelledFile& sample : data.samples) {
    const auto at = known.find(sample.sha256);
    expect(at != known.end(), "{} has changed since near duplicates were looked for; start again",
           sample.file);
    leaders.push_back(at->second);
  }
  return groups_by_key(leaders);
}

}  // namespace sonograd
