#pragma once
#include "autograd/apply.h"
#include "base/philox.h"

namespace sonograd {

enum class Noise {
  elementwise,  // a draw for each element
  per_sample,   // one draw for each image: EfficientNet's drop-connect
};

// Which elements a dropout keeps. No mask is stored: a draw is a function of the random stream (seed, layer,
// step), the sample's number in the run and the element's number within the sample, and backward draws it
// again.
struct DropoutDraw {
  double rate = 0;  // chance of an element to become 0
  Random random{0};
  Int first_sample = 0;  // number of the batch's first sample in the run
  Noise noise = Noise::elementwise;

  void check() const { expect(0 <= rate && rate < 1, "rate {} is not in [0, 1)", rate); }

  // 1 / (1 - rate) for a kept element, 0 for a dropped one.
  double factor(Int sample, Int element) const {
    return uniform(sample, noise == Noise::per_sample ? 0 : element) >= static_cast<float>(rate)
               ? 1 / (1 - rate)
               : 0.0;
  }

  // Four neighbouring elements share one block of random words.
  float uniform(Int sample, Int element) const {
    const auto block =
        static_cast<std::uint64_t>(first_sample + sample) << 32 | static_cast<std::uint64_t>(element / 4);
    return static_cast<float>(random.words(block)[static_cast<std::size_t>(element % 4)] >> 8) * 0x1p-24f;
  }
};

// y = x · keep / (1 - rate)   (Srivastava et al. 2014, scaled in training as Keras does)
struct Dropout {
  static constexpr auto name = "dropout";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  DropoutDraw draw;

  Shape shape(const Shape& x) const {
    draw.check();
    expect(x.rank() >= 1, "x {} has no batch axis", x.text());
    return x;
  }
  void reference(auto x, auto y) const {
    const Int per_sample = x.size(0) == 0 ? 0 : x.elements() / x.size(0);
    for (Int n = 0; n < x.size(0); ++n)
      for (Int e = 0; e < per_sample; ++e) {
        const Int number = n * per_sample + e;
        y[number] = x[number] * static_cast<std::remove_cvref_t<decltype(y[0])>>(draw.factor(n, e));
      }
  }
  Tensors vjp(const Vjp& at) const { return {apply(Dropout{draw}, at.dy())}; }
  Tensor again(const Vjp& at) const { return apply(*this, at.x()); }
};

// y = x · keep / (1 - rate) + shortcut, one draw of keep for each image (stochastic depth, Huang et al. 2016)
struct ResidualAdd {
  static constexpr auto name = "residual_add";
  static constexpr std::array arguments{"x", "shortcut"};
  static constexpr Saves saves{.inputs = {false, false}};
  DropoutDraw draw{.rate = 0, .random = Random(0), .first_sample = 0, .noise = Noise::per_sample};

  Shape shape(const Shape& x, const Shape& shortcut) const {
    draw.check();
    expect(draw.noise == Noise::per_sample, "the draw must be one for each image");
    expect(x.rank() >= 1, "x {} has no batch axis", x.text());
    expect(x == shortcut, "x {} and shortcut {} differ", x.text(), shortcut.text());
    return x;
  }
  void reference(auto x, auto shortcut, auto y) const {
    for_each_index(x.shape, [&](const Shape& i) {
      y(i) = x(i) * static_cast<std::remove_cvref_t<decltype(y(i))>>(draw.factor(i[0], 0)) + shortcut(i);
    });
  }
  Tensors vjp(const Vjp& at) const {
    return {at.wants(0) ? apply(Dropout{draw}, at.dy()) : Tensor(), at.dy()};
  }
};

inline Tensor dropout(const Tensor& x, const DropoutDraw& draw) {
  return apply(Dropout{draw}, x);
}
inline Tensor residual_add(const Tensor& x, const Tensor& shortcut, const DropoutDraw& draw) {
  return apply(ResidualAdd{draw}, x, shortcut);
}

}  // namespace sonograd
