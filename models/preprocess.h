#pragma once
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace sonograd {

// What happens to pixels 0 … 255 before a model's first layer, under the names of Keras' modes:
//   raw    nothing (EfficientNet scales them itself)
//   tf     x/127.5 - 1
//   torch  (x/255 - mean) / deviation of ImageNet's red, green and blue
enum class Preprocess { raw, tf, torch };

std::string_view name_of(Preprocess how);
bool is_preprocess(std::string_view name);
Preprocess preprocess_named(std::string_view name);  // throws Error for any other name

// images [n, height, width, 3] of pixels 0 … 255; the same shape.
Tensor preprocess(const Tensor& images, Preprocess how);

}  // namespace sonograd
