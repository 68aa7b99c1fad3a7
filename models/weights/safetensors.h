#pragma once
#include "models/weights/weight_file.h"

namespace sonograd {

// safetensors: u64 header length, JSON header {name: {dtype, shape, data_offsets}}, then the elements,
// row-major and little-endian. https://huggingface.co/docs/safetensors
//
// Every length, offset and shape is checked before anything is believed: no overlap, hole, overflow, second
// use of a name, or byte past the last tensor. Tensors come in the order of their data.
WeightFile read_safetensors(const std::filesystem::path& path);

// Writes the tensors in the order given, aside and renamed; equal arguments give equal bytes. Half precision
// becomes F32. Throws Error where two tensors have one name or the disk is full; an earlier file then stays.
void write_safetensors(const std::filesystem::path& path, const StoredTensors& tensors, const Facts& facts);

}  // namespace sonograd
