#pragma once
#include <memory>
#include <optional>

#include "apps/command.h"
#include "apps/model_flags.h"
#include "apps/split_flags.h"
#include "train/fit.h"

namespace sonograd {

// What `train` and `demo` are told.
struct TrainingFlags {
  ModelFlags model;
  SplitFlags split;
  std::string data, out;
  std::vector<std::string> phases, augment;
  std::vector<double> rates;
  Int epochs = 100, batch = 16, patience = 25, accumulate = 1, checkpoint_steps = 0;
  double clip_norm = 0, momentum = 0;        // 0: none
  std::optional<double> norm_momentum = {};  // the layers' own
  std::string class_weights = "none", schedule = "constant", optimizer = "adam", dtype = "f32", transfer;
  bool resume = false, keep_checkpoint = false, random_base = false, no_dropout = false, recompute = false,
       cuda_graph = false, sync_batch_norm = false, explain = true,
       tell = true;                     // tell: print the results
  std::vector<std::string> notes = {};  // of the report
  std::string lead;                     // the report's sentence under the title
};

void add_training_flags(const Command& command, TrainingFlags& flags);

// train --steps N
struct FixedSteps {
  Int steps = 0;
  bool no_shuffle = false;
  std::string log;
};
int run_fixed_steps(const TrainingFlags& flags, const FixedSteps& fixed, Program& program);

// While it lives, the processes of the command join their gpus, where they train on `device` gpu.
class JoinedGpus {
 public:
  JoinedGpus(Program& program, Device device);
  ~JoinedGpus();
  // For an end by an exception on which all agree, in its handler: waits for the others as a normal end does.
  void leave();
  JoinedGpus(const JoinedGpus&) = delete;
  JoinedGpus& operator=(const JoinedGpus&) = delete;

 private:
  Program& program;
  Group* const before;
  std::unique_ptr<Group> gpus;
};

// A folder of images in, a folder of evidence out: trains, tests on the held-out images, explains some of
// them, and writes manifest, history, split, weights, metrics, predictions, report, figures and tables into
// the run's folder. Returns the exit status.
int run_training(const TrainingFlags& flags, const RunFolder& run, Program& program);

// Where --resume finds no run, or none with a checkpoint, a line on stderr says that one begins: a typing
// error in --out may be why.
void warn_of_new_run(bool resume, const RunFolder& run);

// Throws UsageError where --cuda-graph is given beside what needs the gradients before the update.
void check_graph(const TrainingFlags& flags, const Group& group);

// What --transfer says, or without it: exact as published, else cached.
Transfer transfer_of(const TrainingFlags& flags);

// The phases that the flags ask for, with their rates: transfer, finetune where there are weights, else
// scratch.
std::vector<PhasePlan> phase_plan(const TrainingFlags& flags);

}  // namespace sonograd
