#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "models/model.h"
#include "models/weights/weight_file.h"
#include "report/history.h"
#include "train/early_stopping.h"
#include "train/loss_scale.h"
#include "train/optimizer.h"

namespace sonograd {

// A run that was told to stop between two steps, and whose checkpoint holds all that it had done.
class Stopped : public Error {
 public:
  explicit Stopped(Int step) : Error("stopped at step {}; go on with --resume", step) {}
  using Error::Error;
};

// All of a run's state but the weights and the moments. Every random draw is a function of the seed and of
// these numbers, so they are the random state too.
struct Progression {
  Int phase = 0;                     // number of the phase in the plan
  Int epoch = 0;                     // epochs of it that are over
  Int position = 0;                  // images of the present epoch that are over
  Int step = 0;                      // batches of the whole run
  double loss_sum = 0, seconds = 0;  // of the present epoch
  Int correct = 0;
  EarlyStopping stopping;
  BestValue best;
  std::optional<LossScale> loss_scale;  // of a run in f16
  History history;
  bool stopped = false;   // the phase, by early stopping
  bool finished = false;  // the run
};

// checkpoint.safetensors: the weights, the optimizer's moments and step count, and the progression, in one
// file that is written aside and renamed. `settings` are the facts that a resumed run must share (seed, data,
// phases, batch …).
void save_checkpoint(const std::filesystem::path& path, Model& model, Optimizer& optimizer,
                     const Progression& state, const std::string& settings);

// Restores all of it. Throws Error where the file is missing, damaged, of another model or of other settings.
// The optimizer must be the phase's, and the model frozen for it: `prepare(phase)` is called in between to
// see to that.
Progression load_checkpoint(const std::filesystem::path& path, Model& model, const std::string& settings,
                            const std::function<Optimizer&(Int phase)>& prepare);

// What load_checkpoint would throw of the file alone, before there is a model and data to compare it with.
void check_checkpoint(const std::filesystem::path& path);

// The advice where a checkpoint is damaged, in place of the readers' own, which is of files that others made.
constexpr auto cannot_go_on = "the run cannot go on: put a whole checkpoint back, or choose another folder";
WeightFile read_checkpoint(const std::filesystem::path& path);  // read_weights, with that advice

// The items of settings that `other` lacks, or "nothing else". Items are parted by "; ".
std::string only_in(const std::string& mine, const std::string& other);

// That the settings of a run and those in the file `path` are the same; throws Error that names the items
// which differ.
void expect_same_settings(const std::filesystem::path& path, const std::string& mine,
                          const std::string& theirs);

}  // namespace sonograd
