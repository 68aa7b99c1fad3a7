#pragma once
#include <string>
#include <vector>

#include "models/model.h"
#include "models/weights/weight_file.h"

namespace sonograd {

// One layer's output beside another framework's.
struct LayerComparison {
  std::string layer;  // our path
  Shape ours, theirs;
  double largest_error = 0;   // max |ours - theirs|; infinite where a value of one alone is not finite
  double relative_error = 0;  // of the largest |theirs|
  Int worst = 0;              // row-major number of the value with the largest error, in our layout
  double our_value = 0, their_value = 0;  // there
  std::vector<Int> ulps = {};  // values that are apart by 0, 1, 2 … 3, 4 … 7, … units in the last place
  bool differs = false;
};

struct ActivationComparison {
  bool channels_first = false;          // theirs are [batch, channels, height, width], as PyTorch has them
  std::vector<LayerComparison> layers;  // in the order in which ours ran
  std::vector<std::string> ours_alone, theirs_alone;

  const LayerComparison* first_that_differs() const;  // null where none does
};

struct CompareActivations {
  double tolerance = 1e-4;  // a layer differs where its relative_error is larger, or its shape another one
  bool isolate = false;     // each layer then gets the other framework's outputs of those before it
};

// A dump holds, in any order, `input`, the images as our models take them, and layers' outputs under Keras'
// names of the layers (ours with _ for .); maps are [batch, height, width, channels], or all
// [batch, channels, height, width], which `input` tells.

// The images of a dump, [batch, height, width, 3]. Throws Error where it has none.
Tensor input_of(const StoredTensors& dump, DType dtype, Device device);

// Runs the model on the images, layer by layer unfused, and compares each output that the dump has. Throws
// Error where it has none.
ActivationComparison compare_activations(const Model& model, const Tensor& images, const StoredTensors& dump,
                                         const CompareActivations& options = {});

// How many representable numbers lie from x to y; 0 for two NaNs.
std::uint64_t units_in_last_place(float x, float y);
std::uint64_t units_in_last_place(double x, double y);

}  // namespace sonograd
