#pragma once
#include <algorithm>
#include <string>

#include "base/error.h"
#include "tensor/shape.h"

namespace sonograd {

// Keras' name of a layer is our path with underscores: block1a.dwconv is its block1a_dwconv.
inline std::string keras_name(std::string path) {
  std::replace_if(
      path.begin(), path.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return path;
}

// Keras' name of a layer that was given none: conv2d, conv2d_1, conv2d_2, …
inline std::string numbered(const std::string& kind, Int number) {
  return number == 0 ? kind : fmt::format("{}_{}", kind, number);
}

}  // namespace sonograd
