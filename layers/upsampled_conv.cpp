#include "layers/upsampled_conv.h"

#include "ops/concat/concat.h"
#include "ops/matmul/matmul.h"
#include "ops/pad/pad.h"
#include "ops/reshape/reshape.h"
#include "ops/upsample/upsample.h"

namespace sonograd {
namespace {

// [16, 9]: which taps (k, l) of the kernel fall on the pixel (u, v) that outputs of parities (a, b) read,
// rows in the order a, b, u, v.
Tensor folding(const Tensor& like) {
  const auto falls = [](Int parity, Int pixel, Int tap) { return pixel == (tap + 1 - parity) / 2; };
  std::vector<double> rows;
  for (Int row = 0; row < 16; ++row)
    for (Int tap = 0; tap < 9; ++tap)
      rows.push_back(falls(row / 8, row / 2 % 2, tap / 3) && falls(row / 4 % 2, row % 2, tap % 3) ? 1 : 0);
  return Tensor::of({16, 9}, rows, like.dtype(), like.device());
}

}  // namespace

Tensor upsampled_conv2d(const Tensor& x, const Tensor& w, Precision precision) {
  expect(x.rank() == 4 && w.rank() == 4 && w.size(0) == 3 && w.size(1) == 3,
         "an upsampled convolution has x [n,h,w,in] and w [3,3,in,out], got {} and {}", x.shape().text(),
         w.shape().text());
  const Int n = x.size(0), height = x.size(1), width = x.size(2), in = w.size(2), out = w.size(3);
  const Tensor kernels =
      reshape(matmul(folding(w), reshape(w, {9, in * out})), {2, 2, 2, 2, in, out});  // [a,b,u,v,in,out]
  Tensors rows;
  for (Int a = 0; a < 2; ++a) {
    Tensors columns;
    for (Int b = 0; b < 2; ++b) {
      const Tensor kernel = slice(slice(kernels, 0, a, a + 1), 1, b, b + 1);
      const Padding pad{.top = 1 - a, .bottom = a, .left = 1 - b, .right = b};
      const Tensor y = conv2d(x, reshape(kernel, {2, 2, in, out}), {.pad = pad, .precision = precision});
      columns.push_back(reshape(y, {n, height, 1, width, 1, out}));
    }
    rows.push_back(concat(columns, 4));
  }
  return reshape(concat(rows, 2), {n, 2 * height, 2 * width, out});
}

Tensor UpsampledConv::operator()(const Tensor& x, Context& context) const {
  if (!context.fuse) return conv(upsample(x), context);
  const Tensor y = upsampled_conv2d(x, conv.kernel.value, context.precision);
  return conv.bias ? bias_activation(y, conv.bias->value, conv.activation) : y;
}

}  // namespace sonograd
