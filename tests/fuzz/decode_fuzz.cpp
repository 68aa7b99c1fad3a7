#include "base/error.h"
#include "data/decode.h"

// Any bytes either decode or give an Error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr sonograd::Int max_pixels = 1 << 18;  // keeps one input fast; the bound itself is the same code
  try {
    const sonograd::Image image = sonograd::decode_image({data, size}, max_pixels);
    if (static_cast<sonograd::Int>(image.pixels.size()) != image.height * image.width * 3) __builtin_trap();
  } catch (const sonograd::Error&) {
  }
  return 0;
}
