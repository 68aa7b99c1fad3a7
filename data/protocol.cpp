#include "data/protocol.h"

#include <algorithm>
#include <unordered_set>

#include "data/duplicates.h"
#include "data/shuffle.h"
#include "tensor/error.h"

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
  std::vector<Int> counts = data.folder.class_counts();
  if (o.arm == Arm::augmented) {
    for (Int& count : counts) count = copies_of_each(count, o.target);
    return add_augmented(data.folder, data.images, sources, counts, o.keras, o.seed);
  }
  if (o.arm == Arm::gan) {
    if (o.generated.empty())
      throw UsageError("the gan arm needs a folder of generated images: --generated DIR, from `gan sample`");
    for (Int& count : counts) count = generated_images(count, o.target, o.step);
    return add_generated(data.folder, data.images, o.generated, counts);
  }
  return {};
}

// A copy belongs to its source's group; a generated picture is alone.
void extend_groups(const Dataset& data, std::vector<Int>& groups) {
  for (Int i = static_cast<Int>(groups.size()); i < data.size(); ++i) {
    const auto* copy = std::get_if<Augmented>(&data.samples[i].origin);
    groups.push_back(copy ? groups[copy->source] : i);
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

PreparedData prepare(Dataset folder, Int image_size, const ProtocolOptions& o) {
  const bool paper = o.protocol == "paper";
  if (!paper && o.protocol != "grouped")
    throw UsageError("split: the protocol is paper or grouped, not {}", o.protocol);
  PreparedData data{std::move(folder), {}, {}, {}};
  if (!o.order.empty()) reorder(data.folder, o.order);
  data.images = read_images(data.folder, image_size, image_size, o.on_bad_file);
  if (paper) {
    if (o.folds != 0) throw UsageError("--folds belongs to --protocol grouped");
    std::vector<Int> groups = groups_by_key(data.images.content);
    add_arm(data, numbers(data.folder.size()), o);
    extend_groups(data.folder, groups);
    data.split = paper_split(data.folder, groups, o.seed);
  } else {
    const std::vector<Int> groups =
        o.independent ? groups_by_key(data.images.content) : find_duplicates(data.folder).groups;
    data.split =
        grouped_split(data.folder, groups, o.seed, conflicting(data.folder, groups), o.folds, o.fold);
    const std::vector<Int> added = add_arm(data, data.split.train, o);
    extend_groups(data.folder, data.split.groups);
    expect_trained_here(data);
    data.split.train.insert(data.split.train.end(), added.begin(), added.end());
    if (!added.empty())
      data.split.train = shuffled(std::move(data.split.train), Random(o.seed, "grouped split").stream("arm"));
  }
  data.split.arm = name_of(o.arm);
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
