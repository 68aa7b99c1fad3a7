#pragma once
#include "models/weights/name_map.h"
#include "models/weights/weight_file.h"
#include "models/weights/zip.h"

namespace sonograd {

// NumPy's .npz: a zip of <name>.npy, each a header in Python's words and the elements:
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}
//   https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// f2, f4, f8 and i8 are read, little-endian and in C's order. Tensors have the members' names less .npy. The
// facts of our models stand in the archive's comment, which NumPy passes over: {"sonograd": {"model": …}}.
void read_npz(const std::shared_ptr<const ZipReader>& archive, WeightFile& into);

// Writes the tensors in the order given as np.savez would; half precision becomes f4. Aside and renamed;
// equal arguments give equal bytes.
void write_npz(const std::filesystem::path& path, const StoredTensors& tensors, const Facts& facts = {});

// A Vision Transformer's tensors as its authors' files hold them, which vit-keras loads: `rows` are the names
// there, and attention has its heads apart, query, key and value [hidden,heads,64] and [heads,64], out
// [heads,64,hidden]. Dosovitskiy et al. 2021.
StoredTensors in_jax(StoredTensors tensors, const NameMap& rows);

}  // namespace sonograd
