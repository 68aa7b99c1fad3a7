#include "data/protocol.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/error.h"
#include "data/shuffle.h"

namespace sonograd {
namespace {

std::vector<Int> numbers(Int n) {
  std::vector<Int> all;
  for (Int i = 0; i < n; ++i) all.push_back(i);
  return all;
}

// Appends the arm's images, made from the originals at `sources`, and says where they are; their number
// follows from the whole classes' sizes.
std::vector<Int> add_arm(PreparedData& data, const std::vector<Int>& sources, const ProtocolOptions& o) {
  if (o.arm == Arm::original) return {};
  if (o.arm == Arm::gan && o.generated.empty())
    throw UsageError("the gan arm needs a folder of generated images: --generated DIR, from `gan sample`");
  std::vector<Int> counts = data.folder.class_counts();
  for (Int& count : counts)
    count =
        o.arm == Arm::augmented ? copies_of_each(count, o.target) : generated_images(count, o.target, o.step);
  if (std::count(counts.begin(), counts.end(), 0) == static_cast<Int>(counts.size()))
    throw UsageError("the {} arm adds nothing to classes as large as these at --target {}; give a larger one",
                     name_of(o.arm), o.target);
  return o.arm == Arm::augmented ? add_augmented(data.folder, data.images, sources, counts, o.keras, o.seed)
                                 : add_generated(data.folder, data.images, o.generated, counts);
}

// A copy belongs to its source's group; a generated picture is alone.
void extend_groups(const Dataset& data, std::vector<Int>& groups) {
  for (Int i = static_cast<Int>(groups.size()); i < data.size(); ++i) {
    const auto* copy = std::get_if<Augmented>(&data.samples[i].origin);
    groups.push_back(copy ? groups[copy->source] : i);
  }
}

// A copy is related to its source, a generated picture to all others of its GAN.
void extend_related(const Dataset& data, std::vector<Int>& related) {
  if (related.empty()) return;
  std::map<Int, Int> first_of;  // by generator
  for (Int i = static_cast<Int>(related.size()); i < data.size(); ++i) {
    const Origin& origin = data.samples[i].origin;
    if (const auto* copy = std::get_if<Augmented>(&origin))
      related.push_back(related[copy->source]);
    else
      related.push_back(first_of.try_emplace(std::get<Generated>(origin).generator, i).first->second);
  }
}

// All images of groups that do not agree on their class.
std::vector<Exclusion> conflicting(const Dataset& data, const std::vector<Int>& groups) {
  std::vector<bool> torn(data.size(), false);
  for (Int i = 0; i < data.size(); ++i)
    if (data.samples[i].label != data.samples[groups[i]].label) torn[groups[i]] = true;
  std::vector<Exclusion> excluded;
  for (Int i = 0; i < data.size(); ++i)
    if (torn[groups[i]])
      excluded.push_back({i, fmt::format("label conflict: a picture of the group of {} has other labels",
                                         data.samples[groups[i]].file)});
  return excluded;
}

// The groups keep their sizes; their labels, first sample's by first sample's, are dealt out anew.
void deal_labels(Dataset& data, const std::vector<Int>& groups, std::uint64_t seed) {
  std::vector<Int> leaders, labels;
  for (Int i = 0; i < data.size(); ++i)
    if (groups[i] == i) leaders.push_back(i), labels.push_back(data.samples[i].label);
  labels = shuffled(std::move(labels), Random(seed, "random labels"));
  for (std::size_t k = 0; k < leaders.size(); ++k) data.samples[leaders[k]].label = labels[k];
  for (Int i = 0; i < data.size(); ++i) data.samples[i].label = data.samples[groups[i]].label;
}

enum Rung : Int { derived_first, split_first, twins_apart, conflicts_out, validation_apart, grouped };

// The place of the protocol on the ladder.
Int rung_of(const std::string& protocol) {
  if (protocol == "paper") return derived_first;
  const auto at = std::find(protocol_ladder.begin(), protocol_ladder.end(), protocol);
  if (at == protocol_ladder.end())
    throw UsageError("split: the protocol is paper, {}, not {}", fmt::join(protocol_ladder, ", "), protocol);
  return at - protocol_ladder.begin();
}

bool minds_near_duplicates(const ProtocolOptions& o) {
  return !o.independent && (o.random_labels || rung_of(o.protocol) >= twins_apart);
}

std::vector<Int> group_images(PreparedData& data, const ProtocolOptions& o) {
  if (looks_for_duplicates(o)) return find_duplicates(data.folder).groups;
  return minds_near_duplicates(o) ? groups_of(data.folder, o.groups) : groups_by_key(data.images.content);
}

// Near duplicates, as far as they are known; `groups` are those that the protocol minds.
std::vector<Int> related_images(const PreparedData& data, const ProtocolOptions& o,
                                const std::vector<Int>& groups) {
  if (minds_near_duplicates(o) || o.independent) return groups;
  return o.groups.empty() ? std::vector<Int>{} : groups_of(data.folder, o.groups);
}

void expect_trained_here(const PreparedData& data) {
  std::unordered_set<std::string> known;
  for (const Int i : data.split.train) known.insert(data.folder.samples[i].sha256);
  for (const GeneratorOrigin& generator : data.folder.generators) {
    const auto strange = std::count_if(generator.ancestors.begin(), generator.ancestors.end(),
                                       [&](const std::string& hash) { return known.count(hash) == 0; });
    expect(
        strange == 0,
        "generated images of {}: {} of the {} images that this GAN saw do not train in this split, so it "
        "leaks; train it on the split's training images alone (gan train --split), or say --protocol paper",
        generator.run, strange, generator.ancestors.size());
  }
}

}  // namespace

bool looks_for_duplicates(const ProtocolOptions& o) {
  return minds_near_duplicates(o) && o.groups.empty();
}

PreparedData prepare(Dataset folder, Int image_size, const ProtocolOptions& o) {
  const Int rung = rung_of(o.protocol);
  if (rung < twins_apart && o.folds != 0)
    throw UsageError("--folds belongs to --protocol twins-apart and those after it");
  if (o.random_labels && o.arm == Arm::gan)
    throw UsageError("random labels leave no class that a GAN could have learned");
  PreparedData data{std::move(folder), {}, {}, {}};
  if (!o.order.empty()) reorder(data.folder, o.order);
  data.images = read_images(data.folder, image_size, image_size, o.on_bad_file);
  std::vector<Int> groups = group_images(data, o);
  std::vector<Int> related = related_images(data, o, groups);
  if (o.random_labels) deal_labels(data.folder, groups, o.seed);
  if (rung == derived_first) {
    add_arm(data, numbers(data.folder.size()), o);
    extend_groups(data.folder, groups);
    extend_related(data.folder, related);
  }
  if (rung < twins_apart)
    data.split = paper_split(data.folder, groups, o.seed);
  else
    data.split =
        grouped_split(data.folder, groups, o.seed,
                      rung >= conflicts_out ? conflicting(data.folder, groups) : std::vector<Exclusion>{},
                      rung >= validation_apart, o.folds, o.fold);
  if (rung > derived_first) {
    const std::vector<Int> added = add_arm(data, data.split.train, o);
    extend_groups(data.folder, data.split.groups);
    extend_related(data.folder, related);
    if (rung == grouped) expect_trained_here(data);
    data.split.train.insert(data.split.train.end(), added.begin(), added.end());
    if (!added.empty())
      data.split.train = shuffled(std::move(data.split.train), Random(o.seed, "grouped split").stream("arm"));
  }
  data.split.related = std::move(related);
  data.split.protocol = o.protocol;
  data.split.arm = name_of(o.arm);
  data.split.random_labels = o.random_labels;
  data.labels = data.folder.labels();
  return data;
}

PreparedData prepare_again(Dataset folder, Int image_size, const std::filesystem::path& split,
                           OnBadFile on_bad_file) {
  PreparedData data{std::move(folder), {}, {}, {}};
  data.images = read_images(data.folder, image_size, image_size, on_bad_file);
  data.split = read_split(split, data.folder, data.images);
  data.labels = data.folder.labels();
  return data;
}

}  // namespace sonograd
