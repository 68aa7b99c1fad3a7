#pragma once
#include <string>

#include "models/weights/weight_file.h"

namespace sonograd {

// What Keras' JSON of a model's structure (config.json of a .keras, model_config of a whole legacy .h5) tells
// that the weights do not: `image_size`, where the input is square and of a fixed size. Facts that are there
// already stay; text that is no such JSON tells nothing.
void read_structure(const std::string& config, Facts& into);

}  // namespace sonograd
