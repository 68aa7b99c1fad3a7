#include <doctest/doctest.h>

#include <algorithm>

#include "ops/binary_cross_entropy/binary_cross_entropy.h"
#include "ops/cross_entropy/cross_entropy.h"
#include "ops/permute/permute.h"
#include "ops/reduce/reduce.h"
#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"
#include "tests/golden/cases.h"

using namespace sonograd;
using namespace sonograd::golden;
using nlohmann::json;

namespace {

Named losses(const Tensor& per_sample) {
  return {{"per_sample", per_sample}, {"loss", mean(per_sample, {0})}};
}

// Softmax over any axes: they go last, become one, and come back.
Tensor softmax_over(const Tensor& x, const std::vector<int>& axes) {
  std::vector<int> order, back(static_cast<std::size_t>(x.rank()));
  const auto chosen = [&](int axis) {
    return std::count(axes.begin(), axes.end(), axis) +
               std::count(axes.begin(), axes.end(), axis - x.rank()) >
           0;
  };
  for (int axis = 0; axis < x.rank(); ++axis)
    if (!chosen(axis)) order.push_back(axis);
  Shape rows;
  for (const int axis : order) rows.push_back(x.size(axis));
  for (int axis = 0; axis < x.rank(); ++axis)
    if (chosen(axis)) order.push_back(axis);
  rows.push_back(x.elements() / rows.elements());
  for (std::size_t i = 0; i < order.size(); ++i)
    back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  const Tensor moved = permute(x, order);
  return permute(reshape(softmax(reshape(moved, rows)), moved.shape()), back);
}

Tensor one_hot_rows(const Tensor& labels, const Tensor& like) {
  std::vector<double> values(static_cast<std::size_t>(like.elements()), 0.0);
  for (Int n = 0; n < like.size(0); ++n)
    values[static_cast<std::size_t>(n * like.size(1) + static_cast<Int>(labels.at(n)))] = 1;
  return Tensor::of(like.shape(), values, like.dtype(), like.device());
}

}  // namespace

TEST_CASE("cross-entropy from logits agrees with Keras") {
  check_cases("cross_entropy", [](const json&, const Named& in) {
    const Tensor& logits = in.at("logits");
    return losses(softmax_cross_entropy(logits, one_hot_rows(in.at("labels"), logits)));
  });
}

// In f32, 1 - 1e-7 is 1 - 2^-23: the loss of a certain and wrong answer differs from f64's by 1 %.
constexpr double f64_alone = 0;

TEST_CASE("cross-entropy from probabilities clips and renormalises as Keras does") {
  check_cases(
      "cross_entropy_probabilities",
      [](const json& attributes, const Named& in) {
        const Tensor& p = in.at("probabilities");
        return losses(
            cross_entropy_from_probabilities(p, one_hot_rows(in.at("labels"), p), attributes["epsilon"]));
      },
      f64_alone);
}

TEST_CASE("binary cross-entropy agrees with Keras 3, from logits and from probabilities") {
  check_cases("binary_cross_entropy", [](const json&, const Named& in) {
    return losses(mean(binary_cross_entropy(in.at("logits"), in.at("targets")), {1}));
  });
  check_cases(
      "binary_cross_entropy_probabilities",
      [](const json& attributes, const Named& in) {
        return losses(mean(binary_cross_entropy_from_probabilities(in.at("probabilities"), in.at("targets"),
                                                                   {.epsilon = attributes["epsilon"]}),
                           {1}));
      },
      f64_alone);
}

TEST_CASE("softmax over any axes agrees with Keras") {
  check_cases("softmax", [](const json& attributes, const Named& in) -> Named {
    return {{"y", softmax_over(in.at("x"), attributes["axes"].get<std::vector<int>>())}};
  });
}
