#pragma once
#include <string>

#include "models/weights/weight_file.h"

namespace sonograd {

// What Keras' JSON of a model's structure (config.json of a .keras, model_config of a whole legacy .h5) tells
// that the weights do not: `image_size`, where the input is square and of a fixed size; of a classifier
// `pooling`, the last of its global poolings. Facts that are there already stay; text that is no such JSON
// tells nothing. Facts that are for models/model_file.h to hold against our model, and go no further:
constexpr auto ends_in = "ends in";  // the activation of a classifier's last layer
constexpr auto strangers =
    "strangers";  // what none of our models has and what changes an answer: `TrueDivide`
constexpr auto rescalings = "rescalings";  // `0.00392157 x + 0; …` of its layers Rescaling
void read_structure(const std::string& config, Facts& into);

}  // namespace sonograd
