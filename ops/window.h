#pragma once
#include <algorithm>

#include "base/error.h"
#include "base/simd.h"
#include "tensor/shape.h"

namespace sonograd {

// Sliding windows of convolutions and pooling: sizes, strides and borders, by Keras' rules.

struct Pair {
  Int height = 1, width = 1;
};

// Rows and columns that a window may reach over each border: named by Keras' rule, or given.
struct Padding {
  enum class Rule { given, same, valid };
  Int top = 0, bottom = 0, left = 0, right = 0;
  Rule rule = Rule::given;
};
inline constexpr Padding same{0, 0, 0, 0, Padding::Rule::same};    // ceil(input / stride) outputs
inline constexpr Padding valid{0, 0, 0, 0, Padding::Rule::valid};  // windows inside the input alone

// One axis: output i reads at tap u the input position stride·i + dilation·u − before, if that is inside.
struct WindowAxis {
  Int input, outputs, stride, dilation, before, after;

  SONOGRAD_INLINE Int position(Int output, Int tap) const {
    return stride * output + dilation * tap - before;
  }
  // The outputs whose window may cover a position: first … last, none where first > last.
  SONOGRAD_INLINE Int first_output(Int position, Int kernel) const {
    const Int begin = position + before - dilation * (kernel - 1);
    return begin <= 0 ? 0 : (begin + stride - 1) / stride;
  }
  SONOGRAD_INLINE Int last_output(Int position) const {
    return std::min((position + before) / stride, outputs - 1);
  }
  SONOGRAD_INLINE bool inside(Int position) const { return position >= 0 && position < input; }
};

// `same` puts the odd row of padding after, which is TensorFlow's rule: an even input, kernel 3 and stride 2
// have (0, 1).
inline WindowAxis window_axis(Int input, Int kernel, Int stride, Int dilation, Padding::Rule rule, Int before,
                              Int after) {
  expect(kernel > 0 && stride > 0 && dilation > 0, "kernel {}, stride {} and dilation {} must be positive",
         kernel, stride, dilation);
  expect(before >= 0 && after >= 0, "padding {} and {} must not be negative", before, after);
  const Int reach = dilation * (kernel - 1) + 1;
  if (rule == Padding::Rule::same) {
    const Int outputs = (input + stride - 1) / stride;
    const Int total = std::max<Int>((outputs - 1) * stride + reach - input, 0);
    return {input, outputs, stride, dilation, total / 2, total - total / 2};
  }
  const Int padded = input + before + after;
  expect(padded >= reach, "a window that reaches over {} positions does not fit into {} (padding {} and {})",
         reach, input, before, after);
  return {input, (padded - reach) / stride + 1, stride, dilation, before, after};
}

struct Window {
  WindowAxis rows, columns;
};

inline Window window(Int height, Int width, Pair kernel, Pair stride, Pair dilation, const Padding& pad) {
  return {window_axis(height, kernel.height, stride.height, dilation.height, pad.rule, pad.top, pad.bottom),
          window_axis(width, kernel.width, stride.width, dilation.width, pad.rule, pad.left, pad.right)};
}

}  // namespace sonograd
