#pragma once
#include <array>

#include "data/arms.h"
#include "data/duplicates.h"
#include "data/split.h"

namespace sonograd {

// The leakage ladder, from as published to honest; each protocol corrects one thing more than the one before.
// derived-first: the arm's images are made from all images, then all are split at random, blind to relatives.
// split-first: the arm's images only train, and copies are made from training images.
// twins-apart: no test image has a near duplicate in training or validation.
// conflicts-out: groups of near duplicates with conflicting labels are in no part.
// validation-apart: no validation image has a near duplicate in training.
// grouped: GANs were trained on training images alone.
inline constexpr std::array<const char*, 6> protocol_ladder = {
    "derived-first", "split-first", "twins-apart", "conflicts-out", "validation-apart", "grouped"};

// How a folder of images becomes an experiment's three parts.
struct ProtocolOptions {
  std::string protocol = "grouped";  // of protocol_ladder, or paper: derived-first under its own name
  Arm arm = Arm::original;
  std::uint64_t seed = 42;
  Keras keras = Keras::v3;               // whose RandomFlip turns the augmented arm's copies
  Int target = published_target;         // images that the arms let a class grow towards
  Int step = 40;                         // the GAN arm adds multiples of it
  std::filesystem::path generated = {};  // the GAN arm's pictures: what `gan sample` wrote, a folder a class
  std::vector<std::string> order = {};   // the files' order before the split; empty: byte order in a class
  Int folds = 0, fold = 1;               // grouped k-fold
  bool independent = false;              // pictures drawn one by one: only equal pixels are taken for twins
  KnownGroups groups = {};     // found before, for several runs on one folder; empty: looked for where minded
  bool random_labels = false;  // each group of near duplicates gets another one's label: nothing to learn
  OnBadFile on_bad_file = OnBadFile::fail;
};

// Whether prepare() compares every image with every other, which takes a while.
bool looks_for_duplicates(const ProtocolOptions& options);

// A data folder read and split, the derived images behind its own: folder.samples, images and labels share
// their positions.
struct PreparedData {
  Dataset folder;
  ImageSet images;
  std::vector<Int> labels;
  Split split;
};

// As many of the arm's images of each image or class in every protocol. Throws Error where "grouped" meets a
// GAN that was trained on images that do not train here, UsageError for another protocol and for an arm that
// adds nothing.
PreparedData prepare(Dataset folder, Int image_size, const ProtocolOptions& options);

// The data as the split.json of an earlier prepare() has it.
PreparedData prepare_again(Dataset folder, Int image_size, const std::filesystem::path& split,
                           OnBadFile on_bad_file = OnBadFile::fail);

}  // namespace sonograd
