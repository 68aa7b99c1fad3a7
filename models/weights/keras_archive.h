#pragma once
#include "models/weights/name_map.h"
#include "models/weights/weight_file.h"
#include "models/weights/zip.h"

namespace sonograd {

// Keras 3's .keras: a zip of metadata.json, config.json (the model's structure) and model.weights.h5, which
// read_keras3 reads. It is unpacked to a temporary file without a name, since HDF5 reads files.
constexpr auto keras_archive_weights = "model.weights.h5";
void read_keras_archive(const ZipReader& archive, WeightFile& into);

// Writes one for `keras.saving.load_model`, with `config` as the structure (models/keras_config.h); otherwise
// as write_keras_h5.
void write_keras_archive(const std::filesystem::path& path, std::string_view config,
                         const StoredTensors& tensors, const NameMap& names, const Facts& facts);

}  // namespace sonograd
