#include "apps/split_flags.h"

namespace sonograd {

void add_order_flag(const Command& command, std::string& order) {
  command.add_option("--order", order,
                     "file of relative paths, one a line: the files' order before the split");
}

void add_bad_file_flag(const Command& command, std::string& on_bad_file) {
  command.add_option("--on-bad-file", on_bad_file, "fail, or skip and list them")
      .check(one_of({"fail", "skip"}))
      .capture_default_str();
}

OnBadFile on_bad_file_named(const std::string& word) {
  return word == "skip" ? OnBadFile::skip : OnBadFile::fail;
}

void add_split_flags(const Command& command, SplitFlags& f) {
  std::vector<std::string> protocols{"paper"};
  protocols.insert(protocols.end(), protocol_ladder.begin(), protocol_ladder.end());
  command
      .add_option(
          "--protocol", f.protocol,
          "grouped: near duplicates stay in one part, the arm's images come from training images and only "
          "train; paper: as published (for `train` also Keras 2's rules, the notebook's pooling and pixels, "
          "no further phase once val_accuracy is 1: docs/models.md); derived-first, split-first, "
          "twins-apart, conflicts-out, validation-apart: the steps between (docs/data.md)")
      .check(one_of(protocols))
      .capture_default_str();
  command
      .add_option("--arm", f.arm,
                  "original; augmented: turned and flipped copies, as many as the notebook makes; gan: the "
                  "pictures in --generated")
      .check(one_of({"original", "augmented", "gan"}))
      .capture_default_str();
  command.add_option("--target", f.target, "images that the arm lets a class grow towards")
      .check(positive())
      .capture_default_str();
  command.add_option("--generated", f.generated,
                     "folder with a sub-folder a class, each written by `gan sample`");
  add_order_flag(command, f.order);
  command.add_option("--folds", f.folds, "grouped k-fold: the number of folds, 3 or more")
      .check(from_to(3, 1000));
  command
      .add_option("--fold", f.fold, "the fold that tests, from 1; the next one validates, the others train")
      .check(positive());
  command.get_option("--fold").needs(command.get_option("--folds"));
  command.get_option("--folds").needs(command.get_option("--fold"));
  command.add_flag("--random-labels", f.random_labels,
                   "labels exchanged at random, near duplicates alike: accuracy above chance is then leaked");
  add_bad_file_flag(command, f.on_bad_file);
}

ProtocolOptions protocol_options(const SplitFlags& f, const SharedFlags& shared, Keras keras) {
  if (f.arm == "gan" && f.generated.empty())
    throw UsageError("--arm gan needs --generated DIR, the folder of pictures that `gan sample` wrote");
  if (f.arm != "gan" && !f.generated.empty()) throw UsageError("--generated belongs to --arm gan");
  ProtocolOptions o;
  o.protocol = f.protocol;
  o.arm = arm_named(f.arm);
  o.seed = shared.seed;
  o.keras = keras;
  o.target = f.target;
  o.step = f.step;
  o.generated = f.generated;
  if (!f.order.empty()) o.order = read_order(f.order);
  o.independent = f.independent;
  o.groups = f.groups;
  o.random_labels = f.random_labels;
  o.folds = f.folds;
  o.fold = f.fold;
  o.on_bad_file = on_bad_file_named(f.on_bad_file);
  return o;
}

}  // namespace sonograd
