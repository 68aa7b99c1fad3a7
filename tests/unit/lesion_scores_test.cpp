// explain/lesion_scores.h, by cases worked out by hand.
#include "explain/lesion_scores.h"

#include <doctest/doctest.h>

#include "tests/error_of.h"

using namespace sonograd;

namespace {

// 2 x 3 pixels, the left column is lesion.
const Lesion left{2, 3, {true, false, false, true, false, false}};

}  // namespace

TEST_CASE("lesion scores: hit, energy inside and overlap") {
  CHECK(left.share() == doctest::Approx(1.0 / 3));
  const LesionScores good = score_lesion({4, 1, -7, 2, 0, 1}, left);
  CHECK(good.hit);
  CHECK(good.energy == doctest::Approx(6.0 / 8));  // 4 + 2 of 4 + 1 + 2 + 1; what is negative does not count
  CHECK(good.iou == doctest::Approx(1));           // the two largest are the lesion
  const LesionScores half = score_lesion({3, 5, 0, 0, 0, 0}, left);
  CHECK_FALSE(half.hit);
  CHECK(half.energy == doctest::Approx(3.0 / 8));
  CHECK(half.iou == doctest::Approx(1.0 / 3));  // {0, 1} and {0, 3}
  const LesionScores one = score_lesion({2, 0, 0, 0, 0, -1}, left);
  CHECK(one.hit);
  CHECK(one.energy == doctest::Approx(1));
  CHECK(one.iou == doctest::Approx(1.0 / 2));  // a single positive pixel: {0} and {0, 3}
}

TEST_CASE(
    "lesion scores: a map without a positive value points nowhere, the first of equals is the largest") {
  const LesionScores nothing = score_lesion({0, -1, -1, 0, -1, -1}, left);
  CHECK_FALSE(nothing.hit);
  CHECK(nothing.energy == 0);
  CHECK(nothing.iou == 0);
  CHECK(score_lesion({1, 1, 1, 1, 1, 1}, left).hit);
  CHECK_FALSE(score_lesion({0, 1, 1, 1, 1, 1}, left).hit);
}

TEST_CASE("lesion scores refuse a mask of another size and an empty one") {
  CHECK(error_of([] { score_lesion({1, 2}, left); }) == "the map has 2 values, the lesion's mask 6");
  CHECK(error_of([] {
          score_lesion({1, 2}, {1, 2, {false, false}});
        }) == "the mask is empty, so there is no lesion to score");
}

TEST_CASE("insertion and deletion: areas under the score as pixels go by the map") {
  Tensor image = Tensor::empty({1, 2, 2, 1}, DType::f32, Device::cpu);
  for (const Int i : {0, 1, 2, 3}) image.mutable_data<float>()[i] = static_cast<float>(2 * i);  // mean 3
  // The score is the last pixel, 6, less the mean: 3 where it is there, 0 where it is not.
  const auto last_pixel = [](const Tensor& images) {
    const std::vector<double> values = images.values();
    std::vector<double> scores;
    for (std::size_t i = 3; i < values.size(); i += 4) scores.push_back(values[i] - 3);
    return scores;
  };
  const Faithfulness first = faithfulness(image, {0, 0, 0, 1}, 4, last_pixel);
  CHECK(first.insertion == doctest::Approx((0.0 / 2 + 3 + 3 + 3 + 3.0 / 2) / 4));
  CHECK(first.deletion == doctest::Approx((3.0 / 2 + 0 + 0 + 0 + 0) / 4));
  const Faithfulness third = faithfulness(image, {5, 4, -2, -1}, 2, last_pixel);  // two pixels a step
  CHECK(third.insertion == doctest::Approx((0 + 0 + 3.0 / 2) / 2));
  CHECK(third.deletion == doctest::Approx((3.0 / 2 + 3 + 0) / 2));
  const Faithfulness many = faithfulness(image, {1, 1, 1, 1}, 40, last_pixel);  // more steps than a batch has
  CHECK(many.insertion == doctest::Approx(3.0 / 80));                           // row by row: it comes last
  CHECK(many.deletion == doctest::Approx(3 - 3.0 / 80));
  CHECK(error_of([&] {
          faithfulness(image, {1, 2}, 4, last_pixel);
        }).find("got [1,2,2,1] and 2 values") != std::string::npos);
}

TEST_CASE("the centre prior is largest in the middle and the same from every side") {
  const std::vector<float> map = centre_prior(4, 3);
  REQUIRE(map.size() == 12);
  for (const std::size_t i : {0U, 1U, 2U, 3U, 4U, 5U}) CHECK(map[i] == map[11 - i]);
  CHECK(map[4] == doctest::Approx(0.8824969));  // half a pixel of 4 above the centre: exp(-0.5 · 0.25)
  CHECK(map[3] == doctest::Approx(0.8824969 * 0.4111123));  // and one of 3 beside it: exp(-0.5 · 16/9)
}
