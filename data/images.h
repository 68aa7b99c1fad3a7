#pragma once
#include <span>
#include <string>
#include <vector>

#include "data/folder.h"
#include "data/image.h"
#include "data/turn.h"
#include "tensor/tensor.h"

namespace sonograd {

// A picture that is computed from a stored one whenever it is asked for, as f32 that no rounding touched.
struct TurnedPicture {
  Int source = 0;
  Turn turn;
};

// Pictures of one size: decoded ones, bytes 0 … 255, [n, height, width, 3]; behind them the turned ones.
struct ImageSet {
  Int height = 0;
  Int width = 0;
  std::vector<std::uint8_t> pixels;
  // SHA-256 of each picture's size and pixels as decoded, before resizing; of a turned one: of its source's
  // and the turn
  std::vector<std::string> content = {};
  std::vector<TurnedPicture> turned = {};

  Int stored() const {
    return height * width == 0 ? 0 : static_cast<Int>(pixels.size()) / (height * width * 3);
  }
  Int size() const { return stored() + static_cast<Int>(turned.size()); }
  // of a stored picture
  std::span<const std::uint8_t> image(Int i) const {
    return std::span(pixels).subspan(i * height * width * 3, height * width * 3);
  }
};

enum class OnBadFile { fail, skip };

// Decodes all samples in parallel and resizes them (INTER_AREA) to height x width. A file that cannot be
// decoded moves from `data.samples` to `data.bad`. With `fail`, any bad file is an Error that lists all of
// them; with either, a class left without images is one.
ImageSet read_images(Dataset& data, Int height, Int width, OnBadFile on_bad = OnBadFile::fail);

// Puts `more`, of the same size, behind the stored pictures; neither set may hold turned ones.
void append(ImageSet& images, const ImageSet& more);

// Any picture as f32 0 … 255 into `out` [height, width, 3], or rounded to bytes.
void write_picture(const ImageSet& images, Int i, float* out);
Image picture(const ImageSet& images, Int i);

// The chosen pictures as f32 0 … 255, [indices, height, width, 3].
Tensor batch_of(const ImageSet& images, std::span<const Int> indices);

}  // namespace sonograd
