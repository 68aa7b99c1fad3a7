#pragma once
#include "models/model.h"

namespace sonograd {

struct ZooEntry {
  std::string name;
  std::string description;
  Int smallest_image;
  Int paper_parameters;  // with three classes; 0 where the paper does not count it
};

const std::vector<ZooEntry>& zoo();

// Builds a model without values. Throws Error for an unknown name (the known ones listed), for an image size
// below the model's smallest, and for fewer than two classes.
Model make_model(const ModelOptions& options);

}  // namespace sonograd
