#include <doctest/doctest.h>

#include "ops/matmul/matmul.h"

using namespace sonograd;

// What the samples, whose strides are those of slices and transposes, do not have: rows that repeat, and a
// batch of views into one another, as a head's [tokens, features] lies inside of [tokens, heads, features].
TEST_CASE("products read repeated rows and interleaved batches as they are") {
  const Tensor all = Tensor::of(
      {2, 12}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37});
  const auto on_both = [](const Tensor& x, const Tensor& w, const MatMul& op) {
    CHECK(matmul(x, w, op).values() ==
          matmul(x.copy().to(Device::reference), w.copy().to(Device::reference), op).values());
  };
  const Tensor there = all.to(Device::gpu);
  const Tensor repeated = there.view(0, {5, 12}, {0, 1}), columns = there.view(0, {12, 5}, {1, 0});
  const Tensor heads = there.view(0, {3, 2, 4}, {4, 12, 1});
  on_both(repeated, there, {.transpose_w = true});
  on_both(there, columns, {});
  on_both(heads, heads, {.transpose_w = true});
  on_both(heads, heads, {.transpose_x = true, .sum_batch = true});
  // Heads of 2 and of 9 images, [image, head, token, feature] of [image, token, head, feature]: calls by the
  // image, or copies.
  for (const Int images : {2, 9}) {
    CAPTURE(images);
    std::vector<double> numbers;
    for (Int i = 0; i < images * 5 * 3 * 4; ++i) numbers.push_back(static_cast<double>(i * 7 % 13 - 6));
    const Tensor tokens = Tensor::of({images, 5, 3, 4}, numbers).to(Device::gpu),
                 swapped = tokens.view(0, {images, 3, 5, 4}, {60, 4, 12, 1});
    on_both(swapped, swapped, {.transpose_w = true});
    on_both(swapped, swapped, {.transpose_x = true, .sum_batch = true});
  }
}
