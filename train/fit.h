#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/augment.h"
#include "models/model.h"
#include "report/history.h"
#include "report/run_folder.h"
#include "train/distributed/group.h"
#include "train/loss_scale.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace sonograd {

struct PhasePlan {
  TrainingPhase phase = TrainingPhase::scratch;
  double learning_rate = 1e-3;
  Int epochs = 100;
};

const char* name_of(TrainingPhase phase);
TrainingPhase phase_named(const std::string& name);  // throws UsageError

// The phase `transfer` trains a head on a frozen base, whose features need computing only once. `exact`: if
// nothing in the base draws at random in training; else at every step, as Keras does. `cached`: once, without
// its drop-connect and dropout. Training images that change by the epoch need every step.
enum class Transfer { exact, cached };
const char* name_of(Transfer transfer);

struct FitOptions {
  std::uint64_t seed = 42;
  Int batch = 16;
  Int patience = 25;                       // epochs without a new least val_loss
  std::vector<double> class_weights = {};  // factor of each class's losses
  std::optional<double> clip_norm = {};    // largest global norm of the gradients
  Int accumulate = 1;                      // batches per update
  Schedule schedule = Schedule::constant;
  OptimizerKind optimizer = OptimizerKind::adam;
  double momentum = 0;  // of sgd
  bool dropout = true;
  Precision precision = Precision::full;  // of training's products with weights
  bool cuda_graph =
      false;  // updates as launches of one graph on the gpu, with the same bits (train/step_graph.h)
  bool recompute = false;  // of a block keep its input alone: less memory, the same bits but on several GPUs
  Augmentation augmentation = {};  // of the training images
  Transfer transfer = Transfer::exact;
  std::optional<double> norm_momentum = {};  // of batch norms' moving averages, for the layers' own
  bool stop_when_perfect = false;            // the notebook's: no further phase once val_accuracy is 1
  // Also within an epoch, at the first update so many batches after the last checkpoint; 0: after epochs
  // alone.
  Int checkpoint_steps = 0;
  bool resume = false;
  bool quiet = false;
  std::string split = {};           // hash of the whole split, the test part too: a checkpoint belongs to one
  std::function<bool()> stop = {};  // asked after each update: true saves the state and throws Stopped
  // Several processes train on their shares of each batch and validate theirs of the images, with the same
  // data and model; the first of them writes the files, which the others must see in order to resume.
  Group* group = &one_process();
  bool sync_batch_norm = false;  // see StepOptions
};

// Pictures with their labels, and which of them train and validate.
struct FitData {
  const ImageSet& images;
  const std::vector<Int>& labels;
  const std::vector<Int>& train;
  const std::vector<Int>& validation;
};

// Who is told what, while a run goes on.
struct FitEvents {
  std::function<void()> begin = {};  // training is about to start, or the checkpoint proved to be this run's
  std::function<void(bool drawn)> base_cached = {};  // features are kept; would the base draw in training?
  std::function<void(const PhasePlan&, const LossScale&)> loss_scaled = {};  // of a phase in f16, at its end
  std::function<void(const PhasePlan&)> phase_done = {};  // the model holds the phase's result
};

// Trains the phases one after another, each with a fresh optimizer, early stopping on val_loss and the
// weights of its greatest val_accuracy as its result, from which the next phase starts. Writes history.csv,
// best.safetensors and checkpoint.safetensors into the run's folder; with `resume` it goes on from the
// checkpoint and ends, on the same device with as many threads and the same instruction set, bit for bit as a
// run that was never interrupted, or throws Error and leaves the folder as it was where the checkpoint is
// damaged or another run's. Without validation images the last epoch's
// weights are the result.
History fit(Model& model, const FitData& data, const std::vector<PhasePlan>& plan, const FitOptions& options,
            const RunFolder& run, const FitEvents& events = {});

// balanced: n / (classes · n_class), as scikit-learn's class_weight="balanced"
std::vector<double> balanced_weights(const std::vector<Int>& labels, const std::vector<Int>& train,
                                     Int classes);

}  // namespace sonograd
