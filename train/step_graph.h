#pragma once
#include <memory>

#include "train/step.h"

namespace sonograd {

// Updates of a model on the gpu as train_step makes them, to the bit, but each as one launch of a CUDA graph:
// forward and backward pass, moving averages and optimizer. The first update with a batch's shape is
// train_step's own (libraries are loaded, plans made), the second rehearses the graph, the third records it.
// Other weights, another optimizer or other options begin anew, as does a larger batch; smaller ones, such as
// the last of an epoch, run by train_step. The optimizer's own settings (momentum, β) must stay as they were.
// It keeps a step's memory for itself.
class StepGraph {
 public:
  StepGraph();
  ~StepGraph();
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  // As train_step, for one process, without on_gradient and loss_scale; the result holds no gradients. Throws
  // Error where the update cannot be recorded, naming the call, NotFinite as train_step, and OutOfMemory as
  // gradients_of.
  StepResult update(Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                    const StepOptions& options, Optimizer& optimizer, double learning_rate);
  bool launched() const;  // whether the last update was a launch of the graph

 private:
  class Recorded;
  std::unique_ptr<Recorded> graph;  // of the present shape
  bool launched_last = false;
};

}  // namespace sonograd
