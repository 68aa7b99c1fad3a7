#include "data/png.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "data/decode.h"

namespace sonograd {
namespace {

// libpng leaves a failed call by longjmp, which runs no destructors: so whatever owns memory is made outside
// `run`, and the steps given to it hold references and plain values only.
struct Codec {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string message;
  Bytes source;
  std::string sink;

  template <class Steps>
  void run(Steps steps) {
    if (setjmp(png_jmpbuf(png)) != 0) throw Error("png: {}", message);
    steps();
  }
};

[[noreturn]] void fail(png_structp png, png_const_charp text) {
  static_cast<Codec*>(png_get_error_ptr(png))->message = text;
  png_longjmp(png, 1);
}

void ignore(png_structp, png_const_charp) {}

struct Reader : Codec {
  explicit Reader(Bytes file) {
    source = file;
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<Codec*>(this), fail, ignore);
    info = png_create_info_struct(png);
    png_set_read_fn(png, static_cast<Codec*>(this), [](png_structp png, png_bytep out, png_size_t count) {
      Bytes& rest = static_cast<Codec*>(png_get_io_ptr(png))->source;
      if (count > rest.size()) png_error(png, "the file is truncated");
      std::copy_n(rest.begin(), count, out);
      rest = rest.subspan(count);
    });
  }
  Reader(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

struct Writer : Codec {
  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<Codec*>(this), fail, ignore);
    info = png_create_info_struct(png);
    const auto write = [](png_structp png, png_bytep data, png_size_t count) {
      static_cast<Codec*>(png_get_io_ptr(png))->sink.append(reinterpret_cast<const char*>(data), count);
    };
    png_set_write_fn(png, static_cast<Codec*>(this), write, nullptr);
  }
  Writer(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }
};

std::string encode(Int height, Int width, int channels, Bytes pixels) {
  Writer writer;
  writer.run([&] {
    png_set_IHDR(writer.png, writer.info, width, height, 8,
                 channels == 4   ? PNG_COLOR_TYPE_RGB_ALPHA
                 : channels == 3 ? PNG_COLOR_TYPE_RGB
                                 : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer.png, writer.info);
    for (Int y = 0; y < height; ++y) png_write_row(writer.png, pixels.data() + y * width * channels);
    png_write_end(writer.png, nullptr);
  });
  return std::move(writer.sink);
}

}  // namespace

Image decode_png(Bytes file, Int max_pixels) {
  Reader reader(file);
  Int height = 0;
  Int width = 0;
  int orientation = 1;
  reader.run([&] {
    png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(reader.png, reader.info);
    height = png_get_image_height(reader.png, reader.info);
    width = png_get_image_width(reader.png, reader.info);
    png_set_strip_16(reader.png);
    png_set_palette_to_rgb(reader.png);
    png_set_expand_gray_1_2_4_to_8(reader.png);
    png_set_gray_to_rgb(reader.png);
    png_set_strip_alpha(reader.png);
    png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
  });
  expect_decodable("png", height, width, max_pixels);
  Image image(height, width);
  std::vector<png_bytep> rows(height);
  for (Int y = 0; y < height; ++y) rows[y] = image.row(y);
  reader.run([&] {
    if (png_get_rowbytes(reader.png, reader.info) != static_cast<png_size_t>(3 * width))
      png_error(reader.png, "pixels that do not expand to three bytes");
    png_read_image(reader.png, rows.data());
    png_read_end(reader.png, reader.info);
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(reader.png, reader.info, &size, &exif) != 0)
      orientation = exif_orientation({exif, size});
  });
  return upright(std::move(image), orientation);
}

std::string encode_png(const Image& image) {
  return encode(image.height, image.width, 3, image.pixels);
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image), false);
}

void write_png_grey(const std::filesystem::path& path, Int height, Int width, Bytes pixels) {
  write_file_atomically(path, encode(height, width, 1, pixels), false);
}

void write_png_rgba(const std::filesystem::path& path, Int height, Int width, Bytes rgb) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(rgb.size() / 3 * 4);
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    pixels.push_back(rgb[i]);
    if (i % 3 == 2) pixels.push_back(255);
  }
  write_file_atomically(path, encode(height, width, 4, pixels), false);
}

}  // namespace sonograd
