#pragma once
#include <filesystem>
#include <string>

#include "data/image.h"

namespace sonograd {

// 8-bit RGB or grey PNG, written whole or not at all, without a flush to the disk (tensor/file.h).
void write_png(const std::filesystem::path& path, const Image& image);
void write_png_grey(const std::filesystem::path& path, Int height, Int width, Bytes pixels);
// The same file in memory (for pages that embed their pictures).
std::string encode_png(const Image& image);

}  // namespace sonograd
