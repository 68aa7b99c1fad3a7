#include "data/jitter.h"

#include <algorithm>

namespace sonograd {

void write_jittered(const ImageSet& images, Int i, const Random& random, float* out) {
  const Int reach_x = images.width / 8, reach_y = images.height / 8;
  const bool mirrored = random.below(2, 3 * i) == 1;
  const Int right = random.below(2 * reach_x + 1, 3 * i + 1) - reach_x;
  const Int down = random.below(2 * reach_y + 1, 3 * i + 2) - reach_y;
  const std::span<const std::uint8_t> picture = images.image(i);
  for (Int y = 0; y < images.height; ++y)
    for (Int x = 0; x < images.width; ++x) {
      const Int from_y = std::clamp<Int>(y - down, 0, images.height - 1);
      const Int column = std::clamp<Int>(x - right, 0, images.width - 1);
      const Int from_x = mirrored ? images.width - 1 - column : column;
      for (Int c = 0; c < 3; ++c) *out++ = picture[(from_y * images.width + from_x) * 3 + c];
    }
}

}  // namespace sonograd
