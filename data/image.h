#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

using Bytes = std::span<const std::uint8_t>;
inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// An 8-bit colour picture: rows from the top, pixels from the left, three bytes R, G, B each.
struct Image {
  Int height = 0;
  Int width = 0;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(Int height, Int width) : height(height), width(width), pixels(height * width * 3) {}
  std::uint8_t* row(Int y) { return pixels.data() + y * width * 3; }
  const std::uint8_t* row(Int y) const { return pixels.data() + y * width * 3; }
  bool operator==(const Image&) const = default;
};

}  // namespace sonograd
