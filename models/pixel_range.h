#pragma once
#include <optional>

#include "models/model.h"
#include "models/weights/match.h"

namespace sonograd {

// The least standard deviation that the pixels can have had which a model was trained on, told by its first
// convolution and the moving variances of the norm after it: a filter w gives at most sum |w| times the
// deviation of its input. Nothing where the model begins otherwise or its statistics are a fresh model's.
std::optional<double> least_pixel_deviation(const Model& model);

// How the pixels were preprocessed that the values of `model`, loaded from a file with these facts, were
// trained on: as the file says, else as its statistics tell, else a base is taken for the official one.
// Nothing where none of these speaks.
std::optional<Preprocess> trained_with(const Model& model, const Facts& facts, Filled filled);

}  // namespace sonograd
