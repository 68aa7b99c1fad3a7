#pragma once
#include <filesystem>
#include <string>

#include "data/image.h"

namespace sonograd {

// 8-bit PNG, RGB or grey, written whole or not at all, without a flush to the disk (base/file.h).
void write_png(const std::filesystem::path& path, const Image& image);
void write_png_grey(const std::filesystem::path& path, Int height, Int width, Bytes pixels);
// RGB pixels with an alpha channel of 255, the form that matplotlib's imsave gives colour pictures.
void write_png_rgba(const std::filesystem::path& path, Int height, Int width, Bytes rgb);
// An RGB picture's file in memory (for pages that embed their pictures).
std::string encode_png(const Image& image);

}  // namespace sonograd
