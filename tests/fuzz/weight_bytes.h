#pragma once
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "models/weights/weight_file.h"

namespace sonograd {

// Reads bytes as a weight file, to the last element of the last tensor. An Error of one line is a good
// answer; anything else that goes wrong is a find.
inline int read_bytes(const std::uint8_t* bytes, std::size_t size,
                      WeightFile (*read)(const std::filesystem::path&)) {
  static const auto path =
      std::filesystem::temp_directory_path() / fmt::format("weights_fuzz.{}", ::getpid());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  try {
    const WeightFile file = read(path);
    for (const StoredTensor& tensor : file.tensors)
      if (tensor.read().shape() != tensor.shape) std::abort();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  std::filesystem::remove(path);
  return 0;
}

}  // namespace sonograd
