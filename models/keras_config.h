#pragma once
#include <string>

#include "models/model.h"

namespace sonograd {

// The model's structure as Keras 3 writes it into a .keras (config.json): a functional model of its own
// layers under Keras' names, the last one with a softmax. It does the same sums as keras.applications' graph,
// where strided convolutions pad by layers of their own, and has the same weights in the same order. Throws
// Error for a model with layers that are none of Keras' own: the Vision Transformers.
std::string keras_config(const Model& model);

}  // namespace sonograd
