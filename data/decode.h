#pragma once
#include <filesystem>

#include "data/image.h"

namespace sonograd {

// Bounds that a header must keep before any pixel is decoded.
constexpr Int max_image_side = 65500;
constexpr Int max_image_pixels = Int{1} << 28;

// PNG, JPEG or BMP, told by content. The pixels are those of cv2.imread's 8-bit colour, in RGB order: grey
// repeated, alpha dropped, 16 bits by the high byte, palette expanded, turned as the Exif orientation says.
// Throws Error
// "<format>: <reason>" for an unknown, empty, broken, truncated or oversized file.
Image decode_image(Bytes file, Int max_pixels = max_image_pixels);

// The same of a file; its errors begin with the path.
Image read_image(const std::filesystem::path& path);

// One decoder per format; each throws Error "<format>: <reason>".
Image decode_png(Bytes file, Int max_pixels);
Image decode_jpeg(Bytes file, Int max_pixels);
Image decode_bmp(Bytes file, Int max_pixels);

// Throws Error "<format>: …" unless 1 <= side <= max_image_side and height·width <= max_pixels.
void expect_decodable(const char* format, Int height, Int width, Int max_pixels);

// Exif tag 0x0112 of a TIFF structure (1 … 8; 1, upright, where the tag is absent or malformed).
int exif_orientation(Bytes tiff);
// The picture as the camera was held: mirrored, turned or transposed by an Exif orientation.
Image upright(Image image, int orientation);

}  // namespace sonograd
