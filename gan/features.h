#pragma once
#include <string>
#include <vector>

#include "data/images.h"
#include "models/model.h"

namespace sonograd {

using Features = std::vector<std::vector<double>>;  // one row a picture

// What makes features of pictures, and its name: no figure that rests on features is told without it.
struct Extractor {
  std::string name;
  Features operator()(const ImageSet& pictures) const;

  const Model* model = nullptr;  // null: pixels
};

// RGB averaged down to at most 32 x 32, 0 … 1.
Extractor pixel_extractor();
// What the last layer of a classifier reads, in inference mode; `file` is the weights', for the name. The
// model must outlive the extractor.
Extractor model_extractor(const Model& model, const std::string& file);

}  // namespace sonograd
