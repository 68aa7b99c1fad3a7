#pragma once
#include <array>

#include "layers/layer.h"

namespace sonograd {

// Of ImageNet's red, green and blue in 0 … 1.
inline constexpr std::array imagenet_mean{0.485, 0.456, 0.406};
inline constexpr std::array imagenet_deviation{0.229, 0.224, 0.225};

// EfficientNet's input, pixels 0 … 255: y = (x/255 - mean) / max(sqrt(variance), 1e-7) · factor. Keras' graph
// has it in two forms. `plain` (built without weights): mean 0, variance 1, no factor. `imagenet`: the weight
// file's `variance` holds the standard deviations, and a third step multiplies by 1/sqrt(std), so that the
// whole is (x/255 - mean) / std.
enum class InputForm { plain, imagenet };
constexpr const char* name_of(InputForm form) {
  return form == InputForm::imagenet ? "imagenet" : "plain";
}

struct InputScaling {
  static constexpr auto kind = "InputScaling";
  InputForm form = InputForm::plain;
  Parameter mean, variance, count;  // [3], [3], scalar; count is Keras' and unused

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit);
};

InputScaling input_scaling(InputForm form);

}  // namespace sonograd
