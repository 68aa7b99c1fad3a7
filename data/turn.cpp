#include "data/turn.h"

#include <algorithm>
#include <cmath>

namespace sonograd {
namespace {

// TensorFlow's reflect: … c b a | a b c … n | n …
float reflected(float at, float n) {
  if (at < 0) {
    if (at < 2 * n) at += 2 * n * std::trunc(-at / (2 * n));
    at = at < -n ? at + 2 * n : -at - 1;
  } else if (at > n - 1) {
    at -= 2 * n * std::trunc(at / (2 * n));
    if (at >= n) at = 2 * n - at - 1;
  }
  return std::clamp(at, 0.0f, n - 1);
}

// The two pixels beside a place, and the second one's share.
struct Between {
  Int low = 0, high = 0;
  float share = 0;
};

Between between(float at, Int n) {
  at = reflected(at, static_cast<float>(n));
  const Int low = static_cast<Int>(std::floor(at));
  return {low, std::min(low + 1, n - 1), at - static_cast<float>(low)};
}

}  // namespace

Turn random_turn(const Random& random, Keras keras) {
  constexpr double most = 0.8 * 2 * 3.14159265358979323846;
  const bool first = random.below(2, 1) == 1;
  const bool second = keras == Keras::v2 ? random.below(2, 2) == 1 : first;
  return {static_cast<float>((2 * random.uniform(0) - 1) * most), first, second};
}

void write_turned(std::span<const std::uint8_t> picture, Int height, Int width, const Turn& turn,
                  float* out) {
  const float sine = std::sin(static_cast<float>(turn.angle)),
              cosine = std::cos(static_cast<float>(turn.angle));
  const float right = static_cast<float>(width - 1), bottom = static_cast<float>(height - 1);
  const float across = (right - (cosine * right - sine * bottom)) / 2;
  const float down = (bottom - (sine * right + cosine * bottom)) / 2;
  for (Int row = 0; row < height; ++row)
    for (Int column = 0; column < width; ++column) {
      const float x = static_cast<float>(turn.left_right ? width - 1 - column : column);
      const float y = static_cast<float>(turn.up_down ? height - 1 - row : row);
      const Between from_x = between(cosine * x - sine * y + across, width);
      const Between from_y = between(sine * x + cosine * y + down, height);
      const auto mixed = [&](Int line, Int c) {
        const std::uint8_t* pixels = picture.data() + line * width * 3 + c;
        return (1 - from_x.share) * static_cast<float>(pixels[from_x.low * 3]) +
               from_x.share * static_cast<float>(pixels[from_x.high * 3]);
      };
      for (Int c = 0; c < 3; ++c)
        *out++ = (1 - from_y.share) * mixed(from_y.low, c) + from_y.share * mixed(from_y.high, c);
    }
}

}  // namespace sonograd
