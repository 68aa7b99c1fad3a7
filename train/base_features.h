#pragma once
#include <functional>
#include <span>
#include <vector>

#include "data/images.h"
#include "models/model.h"
#include "train/distributed/group.h"

namespace sonograd {

// What a frozen base makes of pictures in inference mode, computed once for a whole phase.
struct BaseFeatures {
  Tensor values;                 // [pictures, …], the base's output
  std::vector<Int> row_of = {};  // of each picture of the set; -1 for those left out

  Tensor of(std::span<const Int> pictures) const;  // [pictures, …]
};

// In batches; `done` hears how many pictures are. Of several processes each computes its share for all.
BaseFeatures features_of(const Model& model, const ImageSet& images, const std::vector<Int>& pictures,
                         Int batch, const std::function<void(Int done)>& done = {},
                         Group& group = one_process());

// Whether the base gives other features in training than in inference, though it is frozen: drop-connect and
// dropout stay active in Keras' frozen bases. Tried on the pictures given.
bool base_draws(const Model& model, const ImageSet& images, std::span<const Int> pictures,
                const Random& random);

}  // namespace sonograd
