#include <algorithm>

#include "base/error.h"
#include "data/decode.h"

namespace sonograd {
namespace {

std::uint32_t number(Bytes file, std::size_t at, int bytes) {
  expect(at + bytes <= file.size(), "bmp: the file is truncated");
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::uint32_t{file[at + i]} << 8 * i;
  return value;
}

}  // namespace

// File header: 14 bytes, the pixels' offset at 10. Picture header: size at 14, then in the old form (12
// bytes) 16-bit and in the later ones 32-bit sides. Rows from the bottom (height > 0), padded to 4 bytes;
// pixels and palette B, G, R.
Image decode_bmp(Bytes file, Int max_pixels) {
  const std::size_t header = number(file, 14, 4);
  const bool old = header == 12;
  expect(old || header >= 40, "bmp: a header of {} bytes is not known", header);
  const auto side = [&](std::size_t at) { return Int{static_cast<std::int32_t>(number(file, at, 4))}; };
  const Int width = old ? Int{number(file, 18, 2)} : side(18);
  const Int signed_height = old ? Int{number(file, 20, 2)} : side(22);
  const Int height = signed_height < 0 ? -signed_height : signed_height;
  const int bits = static_cast<int>(number(file, old ? 24 : 28, 2));
  const std::uint32_t compression = old ? 0 : number(file, 30, 4);
  const bool plain = compression == 0 || (compression == 3 && bits == 32 && number(file, 54, 4) == 0xff0000);
  expect(plain && (bits == 1 || bits == 4 || bits == 8 || bits == 24 || bits == 32),
         "bmp: {} bits a pixel with compression {} is not supported; save it as PNG", bits, compression);
  expect_decodable("bmp", height, width, max_pixels);

  const Int entry = old ? 3 : 4;
  const Int stored = old || bits > 8 ? 0 : number(file, 46, 4);
  const Int colours = bits > 8 ? 0 : stored > 0 ? std::min<Int>(stored, Int{1} << bits) : Int{1} << bits;
  const Bytes palette = file.subspan(std::min(14 + header, file.size()));
  expect(static_cast<Int>(palette.size()) >= colours * entry, "bmp: the file is truncated");

  const std::size_t offset = number(file, 10, 4);
  const Int stride = (width * bits + 31) / 32 * 4;
  expect(offset + stride * height <= file.size(), "bmp: the file is truncated");
  Image image(height, width);
  for (Int y = 0; y < height; ++y) {
    const Bytes line = file.subspan(offset + stride * (signed_height < 0 ? y : height - 1 - y), stride);
    std::uint8_t* rgb = image.row(y);
    for (Int x = 0; x < width; ++x, rgb += 3) {
      Bytes bgr = line.subspan(x * bits / 8);
      if (bits <= 8) {
        const Int colour = bgr[0] >> (8 - bits - x * bits % 8) & ((1 << bits) - 1);
        if (colour >= colours) continue;  // black
        bgr = palette.subspan(colour * entry);
      }
      for (int channel = 0; channel < 3; ++channel) rgb[channel] = bgr[2 - channel];
    }
  }
  return image;
}

}  // namespace sonograd
