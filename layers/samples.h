#pragma once
#include "autograd/gradcheck.h"
#include "layers/layer.h"

namespace sonograd {

// One small call of a layer, for gradient checks.
struct LayerSample {
  std::string name;
  Layer layer;
  Shape input;
  bool training = true;
};

// At least one of each kind of layer: a test compares them with the sources.
std::vector<LayerSample> layer_samples();

// What to put a layer or model under gradcheck with: its input and parameters as the inputs of a function.
struct Differentiable {
  Function function;
  Tensors inputs;  // x first, then every parameter
  GradcheckOptions options;
};

// `call` runs the parameters' owner on x in the given context. The parameters hold values already; the
// function puts its own in their place each time it runs.
Differentiable differentiable(std::vector<std::pair<std::string, Parameter*>> parameters, const Tensor& x,
                              bool training, std::function<Tensor(const Tensor& x, Context& context)> call);

// Gradients of the layer's output with respect to its input and parameters, on the reference, in f64 unless
// f32 is asked for.
GradcheckResult check_layer(const LayerSample& sample, bool f32 = false);

}  // namespace sonograd
