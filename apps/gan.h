#pragma once
#include "apps/command.h"
#include "gan/generator_file.h"
#include "gan/sample.h"

namespace sonograd {

// The generator of a finished run, and what it descends from. Throws Error for a run that did not finish.
struct OpenedGan {
  TrainedGenerator trained;
  Lineage lineage;
};
OpenedGan open_gan(const std::string& run, Device device);

void add_gan_audit(Program& program, CLI::App& gan);

}  // namespace sonograd
