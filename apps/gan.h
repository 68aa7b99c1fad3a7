#pragma once
#include "apps/command.h"
#include "gan/generator_file.h"
#include "gan/sample.h"
#include "gan/train_gan.h"

namespace sonograd {

// The generator of a finished run, and what it descends from. Throws Error for a run that did not finish.
struct OpenedGan {
  TrainedGenerator trained;
  Lineage lineage;
};
OpenedGan open_gan(const std::string& run, Device device);

// What `gan train` is told.
struct GanFlags {
  std::string data, class_name, split, out;  // split: a split.json, whose training images alone are seen
  std::string on_bad_file = "fail";
  std::vector<std::string> augment;
  int tensorflow = 1;
  GanOptions gan;
};

// Trains a class's DCGAN and leaves the run in flags.out. Prints nothing but progress.
GanSummary train_class_gan(const GanFlags& flags, const Program& program);

// Draws `count` pictures of a finished run into the folder `out`, with their lineage, which it returns.
Lineage write_generated(const std::string& run, const std::string& out, Int count, const SharedFlags& shared);

void add_gan_audit(Program& program, const Command& gan);

}  // namespace sonograd
