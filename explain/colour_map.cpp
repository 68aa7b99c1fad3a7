#include "explain/colour_map.h"

namespace sonograd {

std::array<std::uint8_t, 3> jet(std::uint8_t level) {
  const int i = level;
  const int blue = i <= 31 ? 128 + 4 * i : i <= 95 ? 255 : i <= 158 ? 254 - 4 * (i - 96) : i == 159 ? 1 : 0;
  const int green = i <= 32    ? 0
                    : i <= 95  ? 4 * (i - 32)
                    : i <= 159 ? 255
                    : i <= 222 ? 252 - 4 * (i - 160)
                               : 0;
  const int red = i <= 95 ? 0 : i <= 159 ? 2 + 4 * (i - 96) : i <= 223 ? 255 : 252 - 4 * (i - 224);
  return {static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green), static_cast<std::uint8_t>(blue)};
}

}  // namespace sonograd
