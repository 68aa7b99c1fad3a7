#pragma once
#include <algorithm>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// Rows of one image, copied when asked for, with zeros on all four sides and the channels rounded up to whole
// vectors. The kernels that read them know neither borders nor odd sizes.
class PaddedRows {
 public:
  static constexpr Int vector = 16;  // floats
  static constexpr Int rounded(Int channels) { return (channels + vector - 1) / vector * vector; }

  struct Geometry {
    Int height, width, channels;  // of the images
    Int left, columns;            // zeros before column 0, and columns altogether
    Int kept;                     // rows that are in use at a time

    Int row_floats() const { return columns * rounded(channels); }
    Int floats() const { return (kept + 1) * row_floats(); }  // what the constructor's memory must hold
  };

  PaddedRows(const Geometry& geometry, float* memory)
      : at(geometry), memory(memory), held(static_cast<std::size_t>(geometry.kept), Int{-1}) {
    std::fill_n(memory, at.floats(), 0.0f);
  }

  // From now on rows are of this image.
  void start(const float* image) {
    source = image;
    std::fill(held.begin(), held.end(), Int{-1});
  }
  Int pixel() const { return rounded(at.channels); }  // floats from one column to the next

  // Row r, which stays valid until the row `kept` further on is asked for.
  const float* row(Int r) {
    if (r < 0 || r >= at.height) return memory + at.kept * at.row_floats();
    const Int slot = r % at.kept;
    float* const copy = memory + slot * at.row_floats();
    if (held[static_cast<std::size_t>(slot)] == r) return copy;
    held[static_cast<std::size_t>(slot)] = r;
    const Int width = std::min(at.width, at.columns - at.left), pixel_floats = pixel();
    const float* from = source + r * at.width * at.channels;
    float* to = copy + at.left * pixel_floats;
    if (at.channels == pixel_floats) {
      std::copy_n(from, width * pixel_floats, to);
      return copy;
    }
    for (Int j = 0; j < width; ++j, from += at.channels, to += pixel_floats)
      std::copy_n(from, at.channels, to);
    return copy;
  }

 private:
  Geometry at;
  float* memory;
  std::vector<Int> held;  // the row in each slot
  const float* source = nullptr;
};

}  // namespace sonograd
