#include "data/arms.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/sha256.h"

namespace sonograd {
namespace {

constexpr const char* arm_names[] = {"original", "augmented", "gan"};

// The angle as it reads back.
std::string turn_text(const Turn& turn) {
  return fmt::format("turned {} {} {}", turn.angle, turn.left_right, turn.up_down);
}

// benign/scan.png, 2 → benign/scan#2.png
std::string copy_name(const std::string& file, Int pass) {
  const std::size_t dot = file.rfind('.');
  return fmt::format("{}#{}{}", file.substr(0, dot), pass, file.substr(dot));
}

}  // namespace

const char* name_of(Arm arm) {
  return arm_names[static_cast<int>(arm)];
}

Arm arm_named(const std::string& name) {
  for (const Arm arm : {Arm::original, Arm::augmented, Arm::gan})
    if (name == name_of(arm)) return arm;
  throw UsageError("no arm is called {}; there are original, augmented and gan", name);
}

Int copies_of_each(Int images, Int target) {
  return images == 0 ? 0 : std::max<Int>(0, target / images);
}

Int generated_images(Int images, Int target, Int step) {
  const double steps = static_cast<double>(target - images) / static_cast<double>(step);
  return std::max<Int>(0, std::lrint(steps) * step);  // the default rounding mode: half to even
}

std::string copy_hash(const std::string& source_sha256, const Turn& turn) {
  return sha256(source_sha256 + " " + turn_text(turn));
}

Int add_copy(Dataset& data, ImageSet& images, const Augmented& copy) {
  const LabelledFile source = data.samples[copy.source];
  data.samples.push_back(
      {copy_name(source.file, copy.pass), source.label, copy_hash(source.sha256, copy.turn), copy});
  images.content.push_back(copy_hash(images.content[copy.source], copy.turn));
  images.turned.push_back({copy.source, copy.turn});
  return data.size() - 1;
}

std::vector<Int> add_augmented(Dataset& data, ImageSet& images, const std::vector<Int>& sources,
                               const std::vector<Int>& copies, Keras keras, std::uint64_t seed) {
  const Random random(seed, "augmented arm");
  std::vector<Int> added;
  for (Int label = 0; label < static_cast<Int>(copies.size()); ++label)
    for (Int pass = 1; pass <= copies[label]; ++pass)
      for (const Int source : sources) {
        const LabelledFile& sample = data.samples[source];
        if (sample.label != label) continue;
        const Turn turn = random_turn(random.stream(sample.file).at(pass), keras);
        added.push_back(add_copy(data, images, {source, pass, turn}));
      }
  return added;
}

}  // namespace sonograd
