#pragma once
#include <span>
#include <string>
#include <vector>

#include "data/folder.h"
#include "tensor/tensor.h"

namespace sonograd {

// Decoded pictures of one size, bytes 0 … 255, [n, height, width, 3].
struct ImageSet {
  Int height = 0;
  Int width = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::string> content;  // SHA-256 of each picture's size and pixels as decoded, before resizing

  Int size() const {
    return height * width == 0 ? 0 : static_cast<Int>(pixels.size()) / (height * width * 3);
  }
  std::span<const std::uint8_t> image(Int i) const {
    return std::span(pixels).subspan(i * height * width * 3, height * width * 3);
  }
};

enum class OnBadFile { fail, skip };

// Decodes all samples in parallel and resizes them (INTER_AREA) to height x width. A file that cannot be
// decoded moves from `data.samples` to `data.bad`. With `fail`, any bad file is an Error that lists all of
// them; with either, a class left without images is one.
ImageSet read_images(Dataset& data, Int height, Int width, OnBadFile on_bad = OnBadFile::fail);

// The chosen pictures as f32 0 … 255, [indices, height, width, 3].
Tensor batch_of(const ImageSet& images, std::span<const Int> indices);

}  // namespace sonograd
