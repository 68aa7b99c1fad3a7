#include "data/decode.h"

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "base/file.h"

namespace sonograd {
namespace {

bool starts_with(Bytes file, std::initializer_list<std::uint8_t> magic) {
  return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin());
}

}  // namespace

Image decode_image(Bytes file, Int max_pixels) {
  expect(!file.empty(), "the file is empty");
  if (starts_with(file, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'})) return decode_png(file, max_pixels);
  if (starts_with(file, {0xff, 0xd8, 0xff})) return decode_jpeg(file, max_pixels);
  if (starts_with(file, {'B', 'M'})) return decode_bmp(file, max_pixels);
  throw Error("not a PNG, JPEG or BMP image");
}

Image read_image(const std::filesystem::path& path) {
  std::error_code ignored;  // a pipe would be waited for, a device read without end
  const auto kind = std::filesystem::status(path, ignored);
  expect(!exists(kind) || is_regular_file(kind) || is_directory(kind), "{}: it is not a regular file",
         path.string());
  const std::string file = read_file(path);
  try {
    return decode_image(bytes_of(file));
  } catch (Error& error) {
    error.prepend(path.string() + ": ");
    throw;
  }
}

void expect_decodable(const char* format, Int height, Int width, Int max_pixels) {
  expect(height >= 1 && width >= 1, "{}: the header says {}x{} pixels", format, width, height);
  expect(height <= max_image_side && width <= max_image_side && height * width <= max_pixels,
         "{}: the header says {}x{} pixels, more than {} a side or {} in all", format, width, height,
         max_image_side, max_pixels);
}

}  // namespace sonograd
