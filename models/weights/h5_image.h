#pragma once
#include "models/weights/hdf5.h"
#include "models/weights/weight_file.h"

namespace sonograd {

// An HDF5 file that is made in memory, to be written in one go: HDF5 1.10 crashes at the end of a process
// that met a full disk. Equal calls make equal bytes.
class H5Image {
 public:
  H5Image();
  // Opens the group at an absolute path, making it and those above it where they are not there.
  H5Handle group(const std::string& path);
  // Text of variable length, UTF-8; the first one stays.
  void text(hid_t group, const char* name, const std::string& value);
  // A list of texts as fixed-length bytes.
  void texts(hid_t group, const char* name, const std::vector<std::string>& values);
  // The dataset `place`, in a group that is there.
  void tensor(const std::string& place, ElementType type, const Tensor& value);
  std::string_view bytes();  // the finished file, which belongs to this image

 private:
  H5Quiet quiet;
  H5Handle file;
};

}  // namespace sonograd
