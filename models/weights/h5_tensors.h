#pragma once
#include "models/weights/hdf5.h"
#include "models/weights/weight_file.h"

namespace sonograd {

// An HDF5 file of tensors, opened to read. What it throws names neither the file nor its path: the caller
// adds `cannot read <path>: `. One thread at a time: HDF5 is not made for more.
class H5Tensors {
 public:
  // `path` is opened; `named` is what errors of reads that come later call the file.
  H5Tensors(const std::filesystem::path& path, std::filesystem::path named);

  hid_t id() const { return *file; }
  Int bytes() const { return size; }
  // Whether the path leads to something through the file's own groups: a soft or external link could lead
  // anywhere.
  bool holds(const std::string& path) const;
  // The dataset at `path`, as a tensor of that name.
  StoredTensor tensor(const std::string& path) const;

 private:
  std::shared_ptr<H5Handle> file;
  std::filesystem::path named;
  Int size;
};

}  // namespace sonograd
