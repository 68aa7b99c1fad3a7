#pragma once
#include "models/weights/name_map.h"
#include "models/weights/weight_file.h"

namespace sonograd {

class H5Tensors;

// Keras' .h5 of before Keras 3, which Keras 3 still writes: a group per layer, whose attribute weight_names
// lists its datasets; the root's attribute layer_names lists the groups in the model's order. A whole model
// has the same below /model_weights. Lists longer than an attribute may be are cut into layer_names0,
// layer_names1, ….
//
// The tensors have the names that the lists give, in the model's order, which is what counts: layers are
// called dense or dense_7 after how many a program had made before. The fact `input` is told by a second
// rescaling layer, or by a variance that holds ImageNet's standard deviations; of a whole model its structure
// tells more (models/weights/keras_structure.h).
bool is_keras_legacy(const H5Tensors& file);
void read_keras_legacy(const H5Tensors& file, WeightFile& into);

// Writes weights alone, as Keras 2 did, to which both Keras 2 and 3 have `model.load_weights`. The fact
// `input` decides on rescaling_1. Throws Error for a tensor that the map does not name; aside and renamed as
// every output.
void write_keras_legacy_h5(const std::filesystem::path& path, const StoredTensors& tensors,
                           const NameMap& names, const Facts& facts);

}  // namespace sonograd
