#pragma once
#include <filesystem>

#include "models/model.h"
#include "models/weights/match.h"

namespace sonograd {

// The model's parameters by name and shape, with nowhere to load into.
Slots slots_of(const Model& model);

// models/weights/match.h's to_our_names for this model.
void to_our_names(WeightFile& file, const Model& model);

// Sets the parameters' values from a file; what `extent` allows is told by models/weights/match.h. Throws
// Error, in one line, where the file does not fit; then nothing was set.
Loaded load_values(Model& model, WeightFile file, Extent extent = Extent::whole);
void load_values(Model& model, const std::filesystem::path& path);

// Writes tensors of a model under our names in the format that the path's suffix names: those of
// models/weights/weight_file.h, or .keras for a whole model of layers that Keras has.
void write_model(const std::filesystem::path& path, const Model& model, const StoredTensors& tensors,
                 const Facts& facts);

// The values and the model's facts, in the format that the path's suffix names.
void save_model(const Model& model, const std::filesystem::path& path);

// The facts of the weight file `path` put over `options`; the header of our safetensors holds these: model,
// classes, image_size, input, pooling, keras, preprocess. Throws Error for a value that no such fact has.
ModelOptions options_with_facts(ModelOptions options, const Facts& facts, const std::filesystem::path& path);

}  // namespace sonograd
