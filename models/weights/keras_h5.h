#pragma once
#include "models/weights/name_map.h"
#include "models/weights/weight_file.h"

namespace sonograd {

// Keras 3's .weights.h5: datasets /layers/<class>_<k>/vars/<j>, where k counts the layers of a class in the
// model's order and the group `vars` has the layer's own name as attribute. Composite layers put the names of
// attributes between. One thread at a time: HDF5 is not made for more.
//
// The tensors have the datasets' paths as names; optimizer state and the states of random generators are left
// out. The fact `input` is told by the group /layers/rescaling_1, where the model begins with a
// normalization.
WeightFile read_keras_h5(const std::filesystem::path& path);

// Writes tensors under our names to the places where Keras looks for them (`model.load_weights`). The fact
// `input` decides on rescaling_1. Throws Error for a tensor that the map does not name; aside and renamed as
// every output.
void write_keras_h5(const std::filesystem::path& path, const StoredTensors& tensors, const NameMap& names,
                    const Facts& facts);

}  // namespace sonograd
