#include "gan/augment_policy.h"

#include <algorithm>

#include "base/error.h"
#include "ops/binary/binary.h"
#include "ops/concat/concat.h"
#include "ops/pad/pad.h"
#include "ops/reduce/reduce.h"

namespace sonograd {
namespace {

// One draw a picture, [n, 1, 1, 1]: low + (high - low) u.
Tensor draws(const Tensor& x, double low, double high, const Random& random) {
  std::vector<double> values;
  for (Int i = 0; i < x.size(0); ++i)
    values.push_back(low + (high - low) * random.uniform(static_cast<std::uint64_t>(i)));
  return Tensor::of({x.size(0), 1, 1, 1}, values, x.dtype(), x.device());
}

// center + factor (x - center), the center a mean of x
Tensor stretched(const Tensor& x, const std::vector<int>& axes, const Tensor& factor) {
  const Tensor center = mean(x, axes, true);
  return add(multiply(subtract(x, center), factor), center);
}

Tensor coloured(const Tensor& x, const Random& random) {
  const Tensor bright = add(x, draws(x, -0.5, 0.5, random.stream("brightness")));
  const Tensor saturated = stretched(bright, {3}, draws(x, 0, 2, random.stream("saturation")));
  return stretched(saturated, {1, 2, 3}, draws(x, 0.5, 1.5, random.stream("contrast")));
}

Tensor translated(const Tensor& x, const Random& random) {
  const Int height = x.size(1), width = x.size(2), most_y = (height + 4) / 8, most_x = (width + 4) / 8;
  const Tensor wide = zero_pad2d(x, most_y, most_y, most_x, most_x);
  Tensors moved;
  for (Int i = 0; i < x.size(0); ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    const Int top = random.stream("down").below(2 * most_y + 1, at),
              left = random.stream("right").below(2 * most_x + 1, at);
    const Tensor rows = slice(slice(wide, 0, i, i + 1), 1, top, top + height);
    moved.push_back(slice(rows, 2, left, left + width));
  }
  return concat(moved, 0);
}

// The square's centre lies anywhere on the picture: at the edge, half of it falls outside.
Tensor cut_out(const Tensor& x, const Random& random) {
  const Int n = x.size(0), height = x.size(1), width = x.size(2);
  const Int tall = (height + 1) / 2, broad = (width + 1) / 2;
  std::vector<double> kept(static_cast<std::size_t>(n * height * width), 1.0);
  for (Int i = 0; i < n; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    const Int top = random.stream("top").below(height + 1 - tall % 2, at) - tall / 2,
              left = random.stream("left").below(width + 1 - broad % 2, at) - broad / 2;
    for (Int y = std::max<Int>(top, 0); y < std::min(top + tall, height); ++y)
      for (Int c = std::max<Int>(left, 0); c < std::min(left + broad, width); ++c)
        kept[static_cast<std::size_t>((i * height + y) * width + c)] = 0;
  }
  return multiply(x, Tensor::of({n, height, width, 1}, kept, x.dtype(), x.device()));
}

}  // namespace

AugmentPolicy augment_policy(const std::vector<std::string>& names) {
  AugmentPolicy policy;
  for (const std::string& name : names) {
    if (name == "color")
      policy.color = true;
    else if (name == "translation")
      policy.translation = true;
    else if (name == "cutout")
      policy.cutout = true;
    else if (name != "none")
      throw UsageError("no augmentation is called {}; there are color, translation and cutout", name);
  }
  return policy;
}

std::string text_of(const AugmentPolicy& policy) {
  std::string text;
  for (const auto& [on, name] :
       {std::pair{policy.color, ",color"}, {policy.translation, ",translation"}, {policy.cutout, ",cutout"}})
    if (on) text += name;
  return text.empty() ? "none" : text.substr(1);
}

Tensor augmented(const Tensor& pictures, const AugmentPolicy& policy, const Random& random) {
  if (!policy.any()) return pictures;
  const Tensor one = scalar_like(pictures, 1), half = scalar_like(pictures, 0.5);
  Tensor x = subtract(multiply(pictures, scalar_like(pictures, 2)), one);
  if (policy.color) x = coloured(x, random.stream("color"));
  if (policy.translation) x = translated(x, random.stream("translation"));
  if (policy.cutout) x = cut_out(x, random.stream("cutout"));
  return multiply(add(x, one), half);
}

}  // namespace sonograd
