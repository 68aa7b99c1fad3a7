#pragma once
#include <filesystem>

namespace sonograd {

// Walks the global heaps of an HDF5 file, where texts of variable length lie. Throws Error for one whose
// objects do not come to its end: HDF5 1.10 looks for that end without end. Sizes are of 8 bytes, as Keras'
// and our files have them. The HDF5 File Format Specification 2.0, III.E.
void check_heaps(const std::filesystem::path& file);

}  // namespace sonograd
