#pragma once
#include "data/arms.h"
#include "data/split.h"

namespace sonograd {

// How a folder of images becomes an experiment's three parts.
struct ProtocolOptions {
  std::string protocol = "grouped";  // or "paper"
  Arm arm = Arm::original;
  std::uint64_t seed = 42;
  Keras keras = Keras::v3;               // whose RandomFlip turns the augmented arm's copies
  Int target = 1350;                     // images that the arms let a class grow towards
  Int step = 40;                         // the GAN arm adds multiples of it
  std::filesystem::path generated = {};  // the GAN arm's pictures: what `gan sample` wrote, a folder a class
  std::vector<std::string> order = {};   // the files' order before the split; empty: byte order in a class
  Int folds = 0, fold = 1;               // grouped k-fold
  bool independent = false;              // pictures drawn one by one: only equal pixels are taken for twins
  OnBadFile on_bad_file = OnBadFile::fail;
};

// A data folder read and split, the derived images behind its own: folder.samples, images and labels share
// their positions.
struct PreparedData {
  Dataset folder;
  ImageSet images;
  std::vector<Int> labels;
  Split split;
};

// "paper": as published. The arm's images are made from all images, then everything is split at random, blind
// to relatives. "grouped": near duplicates stay in one part, groups with conflicting labels in none; the
// arm's images are made from training images and only train; as many of each image or class as in "paper".
// Throws Error where a GAN was trained on images that do not train here, UsageError for another protocol.
PreparedData prepare(Dataset folder, Int image_size, const ProtocolOptions& options);

// The data as the split.json of an earlier prepare() has it.
PreparedData prepare_again(Dataset folder, Int image_size, const std::filesystem::path& split,
                           OnBadFile on_bad_file = OnBadFile::fail);

}  // namespace sonograd
