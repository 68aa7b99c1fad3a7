#pragma once
#include "models/weights/name_map.h"
#include "models/weights/weight_file.h"

namespace sonograd {

class H5Image;
class H5Tensors;

// Keras 3's .weights.h5: datasets /layers/<class>_<k>/vars/<j>, where k counts the layers of a class in the
// model's order and the group `vars` has the layer's own name as attribute. Composite layers put the names of
// attributes between. One thread at a time: HDF5 is not made for more.
//
// The tensors have the datasets' paths as names; of a base that is one layer of the model, with a head behind
// it, those that the flat model's file has. Optimizer state and the states of random generators are left
// out. The fact `input` is told by the group /layers/rescaling_1, where the model begins with a
// normalization.
void read_keras3(const H5Tensors& file, WeightFile& into);

// Opens a file of Keras 3 or a legacy one (models/weights/keras_legacy_h5.h), whichever it is.
WeightFile read_keras_h5(const std::filesystem::path& path);

// Fills a .weights.h5 in memory with tensors under our names, at the places where Keras looks for them. The
// fact `input` decides on rescaling_1. Throws Error, which calls the file `path`, for a tensor that the map
// does not name.
void fill_keras3(H5Image& image, const std::filesystem::path& path, const StoredTensors& tensors,
                 const NameMap& names, const Facts& facts);

// Writes such a file for `model.load_weights`, aside and renamed as every output.
void write_keras_h5(const std::filesystem::path& path, const StoredTensors& tensors, const NameMap& names,
                    const Facts& facts);

// What Keras calls a tensor of ours, and the type that it keeps it as. Throws Error, which calls the file
// `path`, where it has no place for it.
const NameRow& keras_row(const NameMap& names, const StoredTensor& tensor, const std::filesystem::path& path);
ElementType keras_type(const StoredTensor& tensor);

}  // namespace sonograd
