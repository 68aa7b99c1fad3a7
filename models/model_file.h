#pragma once
#include <filesystem>

#include "models/model.h"
#include "models/weights/match.h"

namespace sonograd {

// The model's parameters by name and shape, with nowhere to load into.
Slots slots_of(const Model& model);

// models/weights/dialect.h's to_our_names for this model.
void to_our_names(WeightFile& file, const Model& model);

// Sets the parameters' values from a file; what `extent` allows is told by models/weights/match.h. Throws
// Error, in one line, where the file does not fit; then nothing was set.
Loaded load_values(Model& model, WeightFile file, Extent extent = Extent::whole);
void load_values(Model& model, const std::filesystem::path& path);

// The format that the path's suffix names, if it takes names of that dialect, see write_model. Throws Error
// where not.
WeightFormat format_to_write(const std::filesystem::path& path, std::string_view names = "ours");

// Writes tensors of a model, which have our names, in the format that the path's suffix names
// (models/weights/weight_file.h). `names` is the dialect whose names a .safetensors gets; a .npz has JAX's
// where the model has such, else ours; a .keras holds whole models of layers that Keras has. Throws Error for
// another suffix and for what the format has no place for; an earlier file stays until the new one is
// complete.
void write_model(const std::filesystem::path& path, const Model& model, const StoredTensors& tensors,
                 const Facts& facts, std::string_view names = "ours");

// The values and the model's facts, in the format that the path's suffix names.
void save_model(const Model& model, const std::filesystem::path& path);

// The facts of the weight file `path` put over `options`; the header of our safetensors holds these: model,
// classes, image_size, input, pooling, keras, preprocess. Throws Error for a value that no such fact has.
ModelOptions options_with_facts(ModelOptions options, const Facts& facts, const std::filesystem::path& path);

}  // namespace sonograd
