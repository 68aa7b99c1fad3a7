#include "tensor/shape.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "tensor/view.h"

using namespace sonograd;

TEST_CASE("a shape counts elements, knows its axes from both ends and prints itself") {
  const Shape s{8, 38, 38, 240};
  CHECK(s.rank() == 4);
  CHECK(s.elements() == 8 * 38 * 38 * 240);
  CHECK(s[-1] == 240);
  CHECK(s[-4] == s[0]);
  CHECK(s.text() == "[8,38,38,240]");
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{}.text() == "[]");
  CHECK(Shape{3, 0, 2}.elements() == 0);
}

TEST_CASE("a shape whose elements or strides are past counting is refused, with or without elements") {
  constexpr Int huge = Int{1} << 40;
  for (const Shape& shape : {Shape{huge, huge}, Shape{0, huge, huge}, Shape{huge, huge, 0}}) {
    CHECK(!shape.counted().has_value());
    CHECK_THROWS_WITH_AS(shape.elements(), doctest::Contains("has more elements than can be counted"), Error);
  }
  CHECK(Shape{0, huge}.counted(4) == 0);
  CHECK(!Shape{0, huge}.counted(huge).has_value());
  CHECK(Shape{2, 3}.counted(4) == 24);
}

TEST_CASE("shapes compare by sizes and rank") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(!(Shape{2, 3} == Shape{3, 2}));
  CHECK(!(Shape{2, 3} == Shape{2, 3, 1}));
  CHECK(Shape{2, 3, 4}.without(1) == Shape{2, 4});
  CHECK(Shape{2, 3, 4}.without(-1) == Shape{2, 3});
  CHECK(Shape::filled(3, 7) == Shape{7, 7, 7});
}

TEST_CASE("a seventh axis and a size below zero are refused") {
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5, 6, 7}), "a shape has at most 6 axes", Error);
  CHECK_THROWS_WITH_AS((Shape{2, -1}), "a size must not be negative, got -1 on axis 1", Error);
}

TEST_CASE("row-major strides") {
  CHECK(row_major_strides({2, 3, 4}) == Shape{12, 4, 1});
  CHECK(row_major_strides({}) == Shape{});
}

TEST_CASE("broadcasting follows numpy") {
  CHECK(broadcast_shapes({4, 1, 3}, {2, 1}) == Shape{4, 2, 3});
  CHECK(broadcast_shapes({}, {2, 3}) == Shape{2, 3});
  CHECK(broadcast_shapes({2, 3}, {3}) == Shape{2, 3});
  CHECK(broadcast_shapes({0, 3}, {1, 3}) == Shape{0, 3});
  CHECK_THROWS_WITH_AS(broadcast_shapes({3, 4}, {3, 5}),
                       "[3,4] and [3,5] do not broadcast: axis -1 has 4 against 5", Error);
}

TEST_CASE("for_each_index visits every index once, the last axis fastest") {
  std::string seen;
  for_each_index({2, 1, 3}, [&](const Shape& i) { seen += i.text(); });
  CHECK(seen == "[0,0,0][0,0,1][0,0,2][1,0,0][1,0,1][1,0,2]");
  int visits = 0;
  for_each_index({}, [&](const Shape&) { ++visits; });
  CHECK(visits == 1);
  for_each_index({3, 0}, [&](const Shape&) { ++visits; });
  CHECK(visits == 1);
}

TEST_CASE("a tensor too large to count is refused") {
  const Int large = Int{1} << 32;
  CHECK_THROWS_AS(Shape({large, large}).elements(), Error);
  CHECK_THROWS_AS(Tensor::empty({large, Int{1} << 30}), Error);
}

TEST_CASE("an axis that a shape does not have is refused") {
  const Shape shape{3, 4};
  CHECK(shape[-2] == 3);
  CHECK_THROWS_WITH_AS(shape[2], "a shape [3,4] has no axis 2", Error);
  CHECK_THROWS_WITH_AS(shape[-3], "a shape [3,4] has no axis -3", Error);
}
