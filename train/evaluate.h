#pragma once
#include <span>
#include <vector>

#include "data/images.h"
#include "models/model.h"
#include "train/base_features.h"

namespace sonograd {

struct Evaluation {
  double loss = 0;  // mean softmax cross-entropy, natural logarithm
  Int correct = 0;
  std::vector<std::vector<double>> probabilities;  // [image][class], in the order of the indices

  double accuracy() const {
    return probabilities.empty() ? 0
                                 : static_cast<double>(correct) / static_cast<double>(probabilities.size());
  }
};

// Inference mode, in batches; labels[i] is the class of images.image(i). With the features of all of them,
// the head alone. Throws Error with a batch that would fit where the gpu's memory is short.
Evaluation evaluate(const Model& model, const ImageSet& images, const std::vector<Int>& labels,
                    std::span<const Int> indices, Int batch = 16, const BaseFeatures* features = nullptr);

// A batch of pictures as the model takes them, on its device and in its type.
Tensor images_for(const Model& model, const ImageSet& images, std::span<const Int> indices);

}  // namespace sonograd
