#include "data/decode.h"

namespace sonograd {

int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const bool little = tiff[0] == 'I';
  const auto number = [&](std::size_t at, int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint32_t{tiff[at + i]} << 8 * (little ? i : bytes - 1 - i);
    return value;
  };
  const std::size_t directory = number(4, 4);  // [count, then 12 bytes each: tag, type, count, value]
  if (directory + 2 > tiff.size()) return 1;
  const std::size_t entries = number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) return 1;
    if (number(entry, 2) == 0x0112) {
      const std::uint32_t value = number(entry + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool transposed = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image result = transposed ? Image(image.width, image.height) : Image(image.height, image.width);
  std::uint8_t* out = result.pixels.data();
  for (Int y = 0; y < result.height; ++y)
    for (Int x = 0; x < result.width; ++x) {
      Int from_y = transposed ? x : y;
      Int from_x = transposed ? y : x;
      if (from_bottom) from_y = image.height - 1 - from_y;
      if (from_right) from_x = image.width - 1 - from_x;
      const std::uint8_t* pixel = image.row(from_y) + 3 * from_x;
      for (int channel = 0; channel < 3; ++channel) *out++ = pixel[channel];
    }
  return result;
}

}  // namespace sonograd
