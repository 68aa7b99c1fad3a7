#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/error.h"
#include "data/decode.h"
// libjpeg's header needs stdio's types first.
#include <jerror.h>
#include <jpeglib.h>

namespace sonograd {
namespace {

constexpr int max_scans = 100;  // a progressive file has about ten; more only serve to keep a decoder busy

// As with PNG: a failed call leaves by longjmp, so nothing inside `run` may own memory.
struct Reader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  char message[JMSG_LENGTH_MAX] = "";

  Reader() {
    jpeg.err = jpeg_std_error(&errors);
    jpeg.client_data = this;
    errors.error_exit = fail;
    errors.emit_message = judge;
    run([&] { jpeg_create_decompress(&jpeg); });
    progress.progress_monitor = count_scans;
    jpeg.progress = &progress;
  }
  Reader(const Reader&) = delete;
  ~Reader() { jpeg_destroy_decompress(&jpeg); }

  template <class Steps>
  void run(Steps steps) {
    if (setjmp(escape) != 0) throw Error("jpeg: {}", message);
    steps();
  }

  [[noreturn]] static void fail(j_common_ptr jpeg) {
    Reader& reader = *static_cast<Reader*>(jpeg->client_data);
    jpeg->err->format_message(jpeg, reader.message);
    std::longjmp(reader.escape, 1);
  }

  // libjpeg fills what is missing or damaged with grey and only warns; such a picture is not the one that was
  // saved.
  static void judge(j_common_ptr jpeg, int level) {
    const int code = jpeg->err->msg_code;
    const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM ||
                          code == JWRN_JFIF_MAJOR || code == JWRN_BOGUS_PROGRESSION;
    if (level < 0 && !harmless) fail(jpeg);
  }

  static void count_scans(j_common_ptr jpeg) {
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= max_scans) return;
    Reader& reader = *static_cast<Reader*>(jpeg->client_data);
    std::snprintf(reader.message, sizeof reader.message, "more than %d scans", max_scans);
    std::longjmp(reader.escape, 1);
  }
};

int orientation_of(const jpeg_decompress_struct& jpeg) {
  constexpr std::size_t prefix = 6;  // "Exif\0\0", then the TIFF structure
  for (auto marker = jpeg.marker_list; marker != nullptr; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > prefix &&
        !std::memcmp(marker->data, "Exif\0", prefix))
      return exif_orientation({marker->data + prefix, marker->data_length - prefix});
  return 1;
}

// OpenCV's conversion of Adobe's inverted CMYK, in place of a colour profile: channel = k - (255 - c)·k /
// 256.
void rgb_from_cmyk(const std::uint8_t* cmyk, std::uint8_t* rgb, Int pixels) {
  for (Int i = 0; i < pixels; ++i)
    for (int channel = 0; channel < 3; ++channel) {
      const int k = cmyk[4 * i + 3];
      rgb[3 * i + channel] = static_cast<std::uint8_t>(k - ((255 - cmyk[4 * i + channel]) * k >> 8));
    }
}

}  // namespace

Image decode_jpeg(Bytes file, Int max_pixels) {
  Reader reader;
  jpeg_decompress_struct& jpeg = reader.jpeg;
  reader.run([&] {
    jpeg_mem_src(&jpeg, file.data(), file.size());
    jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&jpeg, TRUE);
  });
  expect_decodable("jpeg", jpeg.image_height, jpeg.image_width, max_pixels);
  const int orientation = orientation_of(jpeg);
  const Int width = jpeg.image_width;
  Image image(jpeg.image_height, width);
  const bool cmyk = jpeg.num_components == 4;
  std::vector<std::uint8_t> line(cmyk ? 4 * width : 0);
  reader.run([&] {
    jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      std::uint8_t* const row = image.row(jpeg.output_scanline);
      JSAMPROW target = cmyk ? line.data() : row;
      jpeg_read_scanlines(&jpeg, &target, 1);
      if (cmyk) rgb_from_cmyk(line.data(), row, width);
    }
    jpeg_finish_decompress(&jpeg);
  });
  return upright(std::move(image), orientation);
}

}  // namespace sonograd
