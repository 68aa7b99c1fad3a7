#pragma once
#include "apps/command.h"
#include "data/protocol.h"

namespace sonograd {

// Which images train, validate and test: of `data split`, `train` and what builds on them.
struct SplitFlags {
  std::string protocol = "grouped", arm = "original", order, generated, on_bad_file = "fail";
  Int target = published_target, step = 40, folds = 0, fold = 0;
  bool random_labels = false;
  bool independent = false;  // of phantoms that the program drew itself
  KnownGroups groups = {};   // near duplicates that were found for another run on the folder
};

void add_split_flags(const Command& command, SplitFlags& flags);

// Those among them that say how a folder is read.
void add_order_flag(const Command& command, std::string& order);
void add_bad_file_flag(const Command& command, std::string& on_bad_file);
OnBadFile on_bad_file_named(const std::string& word);  // fail or skip

// `keras`: whose RandomFlip turns the augmented arm's copies. Reads --order's file.
ProtocolOptions protocol_options(const SplitFlags& flags, const SharedFlags& shared, Keras keras);

}  // namespace sonograd
