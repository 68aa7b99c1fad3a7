#include "models/weights/positions.h"

#include <cmath>

#include "base/error.h"

namespace sonograd {
namespace {

// The side of a square grid of so many cells; 0 where they make none.
Int side_of(Int cells) {
  const auto side = static_cast<Int>(std::lround(std::sqrt(static_cast<double>(cells))));
  return cells > 0 && side * side == cells ? side : 0;
}

// Between which two of `from` cells the i-th of `to` lies, and how far from the first.
struct Place {
  Int low, high;
  double along;
};
Place place_of(Int i, Int from, Int to) {
  const double at = to == 1 ? 0 : static_cast<double>(i * (from - 1)) / static_cast<double>(to - 1);
  const Int low = std::min(static_cast<Int>(at), from - 1);
  return {low, std::min(low + 1, from - 1), at - static_cast<double>(low)};
}

}  // namespace

bool are_other_positions(const Shape& there, const Shape& here) {
  return there.rank() == 3 && here.rank() == 3 && there[0] == 1 && here[0] == 1 && there[2] == here[2] &&
         there != here && side_of(there[1] - 1) > 0 && side_of(here[1] - 1) > 0;
}

Tensor resized_positions(const Tensor& positions, const Shape& shape) {
  expect(are_other_positions(positions.shape(), shape),
         "a position embedding {} cannot be resized to {}: both must be a class token and a square grid",
         positions.shape().text(), shape.text());
  const Int from = side_of(positions.size(1) - 1), to = side_of(shape[1] - 1), channels = shape[2];
  const std::vector<double> there = positions.values();
  std::vector<double> here(there.begin(), there.begin() + channels);
  here.reserve(static_cast<std::size_t>(shape.elements()));
  const auto cell = [&](Int y, Int x, Int c) {
    return there[static_cast<std::size_t>((1 + y * from + x) * channels + c)];
  };
  for (Int i = 0; i < to; ++i)
    for (Int j = 0; j < to; ++j) {
      const Place y = place_of(i, from, to), x = place_of(j, from, to);
      for (Int c = 0; c < channels; ++c) {
        const double above = (1 - x.along) * cell(y.low, x.low, c) + x.along * cell(y.low, x.high, c);
        const double below = (1 - x.along) * cell(y.high, x.low, c) + x.along * cell(y.high, x.high, c);
        here.push_back((1 - y.along) * above + y.along * below);
      }
    }
  return Tensor::of(shape, here, positions.dtype());
}

}  // namespace sonograd
