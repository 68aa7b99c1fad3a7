#pragma once
#include <functional>
#include <optional>

#include "data/loader.h"
#include "models/model.h"
#include "train/base_features.h"
#include "train/distributed/group.h"
#include "train/loss_scale.h"
#include "train/optimizer.h"

namespace sonograd {

struct StepOptions {
  std::vector<double> class_weights = {};  // factor of a class's losses; empty: 1
  bool dropout = true;
  bool recompute = false;                    // see Context
  Precision precision = Precision::full;     // see Context
  std::optional<double> norm_momentum = {};  // see Context
  Random random{0};                          // the run's
  Int step = 0;                              // number of the update in the run: dropout draws by it
  // Number of the batch's first image in the run, likewise; batches that share an update count on, so that
  // they draw as one large batch does.
  Int first_sample = 0;
  const BaseFeatures* features = nullptr;  // of the batch's pictures: then the head alone is run
  // Where there are several processes, each has its share of the batch as a loader gave it, and all get the
  // result of the whole. Its batch norms that train use the images of the process alone, or of all.
  Group* group = &one_process();
  bool sync_batch_norm = false;
  LossScale* loss_scale = nullptr;  // of f16; train_step moves it on, gradients_of leaves that to the caller
  // Of one process: takes each gradient, found finite, as soon as backward has it, in place of the result.
  std::function<void(std::size_t which, const Tensor& gradient)> on_gradient = {};
};

struct StepResult {
  double loss = 0;  // mean over the whole batch, weighted by class
  Int correct = 0;
  Tensors gradients = {};  // of trained_parameters(model), in that order
  std::vector<MovingUpdate> updates = {};
  bool overflowed = false;  // the scaled gradients, in all processes: there are none, nor updates; skip it
};

// The parameters that train under the model's present freezing.
std::vector<NamedParameter> trained_parameters(Model& model);

std::vector<Tensor*> values_of(const std::vector<NamedParameter>& parameters);

// The first n images of a batch that is no part of a larger one.
Batch first_of(const Batch& batch, Int n);

// Mean softmax cross-entropy of the model's logits [n, classes], for which `targets` gives what they should
// be. input: pictures, or their features where the options have some.
Tensor loss_of(const Model& model, const Tensor& input, const StepOptions& options, Context& context,
               const std::function<Tensor(const Tensor& logits)>& targets);

// Loss and gradients of one batch in training mode: mean softmax cross-entropy on the logits. A tape
// watches the parameters meanwhile; no value changes. Throws NotFinite, which counts updates from 1, where
// the loss or a gradient is not a finite number; a gradient that a smaller loss scale may make finite is
// told of by `overflowed`; where the gpu's memory does not hold the step, Error with a batch that it does
// (tensor/out_of_memory.h; of several processes without what their sums take).
StepResult gradients_of(Model& model, const Batch& batch, const StepOptions& options);

// How gradients_of runs the model, of one process.
Context training_context(const Model& model, const Batch& batch, const StepOptions& options);

// A whole update of the model: gradients_of, the norms' moving averages and the optimizer. One process on the
// cpu changes each parameter as backward has its gradient, so that the gradients are never all there; where
// it throws NotFinite, those whose gradients came before are changed. With a loss scale all gradients are
// there first, and where they overflowed nothing changes but the scale; nor does anything where the gpu's
// memory is short, of which it tells as gradients_of does. `trained`: trained_parameters(model).
StepResult train_step(Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                      StepOptions options, Optimizer& optimizer, double learning_rate);

// Names a parameter that is not finite, else the first op and layer that gave such a number, found by running
// the batch again under an observer.
class NotFinite : public Error {
 public:
  using Error::Error;
};

// Pictures in the type and on the device of the model's parameters.
Tensor like_parameters(const Model& model, const Tensor& images);

// Rows whose largest logit is their label's, the first of equals winning.
Int count_correct(const Tensor& logits, const std::vector<Int>& labels);

// [n, classes]: row i is the class of labels[i], times that class's weight. Throws Error for a label that is
// no class.
Tensor one_hot_targets(const std::vector<Int>& labels, Int classes, const std::vector<double>& class_weights,
                       DType dtype, Device device);

}  // namespace sonograd
