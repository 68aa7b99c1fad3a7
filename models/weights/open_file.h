#pragma once
#include <filesystem>
#include <string>

#include "tensor/shape.h"

namespace sonograd {

// A regular file opened for reading at any offset. Errors: `cannot read <path>: …`.
class OpenFile {
 public:
  explicit OpenFile(std::filesystem::path path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  Int size() const { return size_; }
  // Throws where the file ends before: callers check sizes first, so it has shrunk since.
  void read(Int offset, void* into, Int bytes) const;
  std::string read(Int offset, Int bytes) const;

 private:
  std::filesystem::path path;
  int descriptor;
  Int size_ = 0;
};

}  // namespace sonograd
