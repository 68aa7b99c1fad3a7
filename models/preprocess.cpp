#include "models/preprocess.h"

#include <algorithm>
#include <array>

#include "layers/input_scaling.h"
#include "ops/binary/binary.h"

namespace sonograd {
namespace {

constexpr std::array names{"raw", "tf", "torch"};

// By fills, as a graph of a step on the gpu can repeat these, but no copy from the host.
Tensor by_channel(const Tensor& like, const std::array<double, 3>& values) {
  Tensor t = Tensor::empty({3}, like.dtype(), like.device());
  for (Int c = 0; c < 3; ++c) t.slice(0, c, c + 1).fill(values[static_cast<std::size_t>(c)]);
  return t;
}

}  // namespace

std::string_view name_of(Preprocess how) {
  return names[static_cast<std::size_t>(how)];
}

bool is_preprocess(std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Preprocess preprocess_named(std::string_view name) {
  expect(is_preprocess(name), "there is no preprocessing {}; choose raw, tf or torch", name);
  return static_cast<Preprocess>(std::find(names.begin(), names.end(), name) - names.begin());
}

Tensor preprocess(const Tensor& images, Preprocess how) {
  const auto number = [&](double value) { return scalar_like(images, value); };
  switch (how) {
    case Preprocess::raw:
      return images;
    case Preprocess::tf:
      return subtract(divide(images, number(127.5)), number(1));
    case Preprocess::torch:
      return divide(subtract(divide(images, number(255)), by_channel(images, imagenet_mean)),
                    by_channel(images, imagenet_deviation));
  }
  return images;
}

}  // namespace sonograd
