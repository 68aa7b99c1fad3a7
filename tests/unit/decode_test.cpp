#include "data/decode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "data/png.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

const fs::path samples = fs::path(SONOGRAD_SOURCE_DIR) / "tests/golden/data/decode";

// As bytes that end where the file does, for the address sanitizer.
std::vector<std::uint8_t> load(const fs::path& path) {
  const std::string file = read_file(path);
  return {file.begin(), file.end()};
}

std::string decode_error(const std::vector<std::uint8_t>& file) {
  return error_of([&] { decode_image(file); });
}

}  // namespace

TEST_CASE("files that are no image are named with the reason") {
  CHECK(decode_error({}) == "the file is empty");
  CHECK(decode_error({'h', 'e', 'l', 'l', 'o'}) == "not a PNG, JPEG or BMP image");
  CHECK(decode_error({0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}) == "png: the file is truncated");
  CHECK(decode_error({'B', 'M', 0, 0}) == "bmp: the file is truncated");
  CHECK(error_of([] { read_image("no/such.png"); }) ==
        "cannot read no/such.png: No such file or directory; check the path");
  CHECK(error_of([] { read_image(samples); }).find("cannot read") != std::string::npos);
}

TEST_CASE("every truncated file is an error, wherever it was cut") {
  for (const auto& entry : fs::directory_iterator(samples)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    const std::vector<std::uint8_t> whole = load(entry.path());
    for (std::size_t length = 0; length + 1 < whole.size(); length += whole.size() / 40 + 1) {
      CAPTURE(length);
      CHECK(decode_error({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}) != "no error");
    }
    CHECK(decode_error({whole.begin(), whole.end() - 1}) != "no error");
  }
}

TEST_CASE("damaged compressed data are an error") {
  std::vector<std::uint8_t> png = load(samples / "rgb8.png");
  png[png.size() / 2] ^= 0x10;
  CHECK(decode_error(png).substr(0, 5) == "png: ");
  std::vector<std::uint8_t> jpeg = load(samples / "restart.jpg");
  const std::uint8_t entropy_mark[] = {0xff, 0xda};
  const auto scan = std::search(jpeg.begin(), jpeg.end(), std::begin(entropy_mark), std::end(entropy_mark));
  std::fill(scan + 40, scan + 60, 0xff);
  CHECK(decode_error(jpeg).substr(0, 6) == "jpeg: ");
}

TEST_CASE("sides and pixel counts are bounded before anything is decoded") {
  std::vector<std::uint8_t> png = load(samples / "rgb8.png");
  CHECK(error_of([&] { decode_image(png, 272); }) ==
        "png: the header says 21x13 pixels, more than 65500 a side or 272 in all");
  const std::vector<std::uint8_t> jpeg = load(samples / "grey.jpg");
  CHECK(error_of([&] { decode_image(jpeg, 45 * 37 - 1); }).find("45x37 pixels, more than") !=
        std::string::npos);
  CHECK(error_of([&] { decode_image(jpeg, 45 * 37); }) == "no error");
  std::vector<std::uint8_t> bmp = load(samples / "rgb24.bmp");
  bmp[20] = 1;  // width 45 + 65536
  CHECK(decode_error(bmp).find("65581x37 pixels, more than") != std::string::npos);
  bmp = load(samples / "rgb24.bmp");
  bmp[28] = 16;
  CHECK(decode_error(bmp) == "bmp: 16 bits a pixel with compression 0 is not supported; save it as PNG");
}

TEST_CASE("a written PNG reads back as it was") {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.png";
  Image image(5, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(37 * i);
  write_png(path, image);
  CHECK(read_image(path) == image);
  const std::vector<std::uint8_t> grey = {0, 50, 100, 150, 200, 250};
  write_png_grey(path, 2, 3, grey);
  const Image read = read_image(path);
  CHECK(read.height == 2);
  for (std::size_t i = 0; i < read.pixels.size(); ++i) CHECK(read.pixels[i] == grey[i / 3]);
  CHECK_FALSE(fs::exists(path.string() + ".tmp"));
}
