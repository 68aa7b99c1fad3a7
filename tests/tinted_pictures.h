#pragma once
#include "base/philox.h"
#include "data/images.h"

// Pictures of noise in three classes that brightness tells apart: what a short training can learn.
namespace sonograd {

struct TintedPictures {
  ImageSet images;
  std::vector<Int> labels, train, validation;

  // The first `trained` of `count` pictures train, the others validate. Pixels: below `noise`, and `step`
  // more for each class.
  TintedPictures(Int count, Int trained, Int side, std::uint64_t noise, Int step) : images{side, side, {}} {
    const Random random(11, "pixels");
    for (Int i = 0; i < count; ++i) {
      labels.push_back(i % 3);
      (i < trained ? train : validation).push_back(i);
      images.content.push_back(std::to_string(i));
      const Int values = side * side * 3;
      for (Int p = 0; p < values; ++p)
        images.pixels.push_back(
            static_cast<std::uint8_t>(random.below(noise, i * values + p) + step * (i % 3)));
    }
  }
};

}  // namespace sonograd
