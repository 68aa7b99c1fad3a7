#include "data/augment.h"

#include <algorithm>

namespace sonograd {
namespace {

struct Draw {
  bool left_right = false, up_down = false;
  Int right = 0, down = 0;  // pixels moved
};

Draw draw(const ImageSet& images, Int i, const Augmentation& how, const Random& random) {
  constexpr Int draws = 5;  // of a picture
  const auto below = [&](Int bound, Int which) { return random.below(bound, draws * i + which); };
  Draw d;
  if (how.jitter) {
    const Int across = images.width / 8, along = images.height / 8;
    d.left_right = below(2, 0) == 1;
    d.right = below(2 * across + 1, 1) - across;
    d.down = below(2 * along + 1, 2) - along;
  }
  if (how.flip) {
    const bool first = below(2, 3) == 1;
    const bool second = how.keras == Keras::v2 ? below(2, 4) == 1 : first;
    d.left_right = d.left_right != first;
    d.up_down = second;
  }
  return d;
}

}  // namespace

void write_augmented(const ImageSet& images, Int i, const Augmentation& how, const Random& random,
                     float* out) {
  const Draw d = draw(images, i, how, random);
  std::vector<float> picture(images.height * images.width * 3);
  write_picture(images, i, picture.data());
  for (Int y = 0; y < images.height; ++y)
    for (Int x = 0; x < images.width; ++x) {
      const Int row = std::clamp<Int>(y - d.down, 0, images.height - 1);
      const Int column = std::clamp<Int>(x - d.right, 0, images.width - 1);
      const Int from_y = d.up_down ? images.height - 1 - row : row;
      const Int from_x = d.left_right ? images.width - 1 - column : column;
      for (Int c = 0; c < 3; ++c) *out++ = picture[(from_y * images.width + from_x) * 3 + c];
    }
}

}  // namespace sonograd
