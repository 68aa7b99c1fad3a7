#include "report/pairwise.h"

#include <doctest/doctest.h>

#include "tests/error_of.h"
#include "tests/made_up_answers.h"

using namespace sonograd;

namespace {

// On the original images the first alone is right once, the second alone six times; the third answers as the
// first. A coin shows at most 1 of 7 heads with (1 + 7) / 2^7 = 1/16, so both tails are 1/8.
const std::vector<Tested> three{tested("original", "one", "rrrwwwwwww"),
                                tested("original", "two", "rrwrrrrrrw"), tested("gan", "one", "rw"),
                                tested("original", "three", "rrrwwwwwww"), tested("gan", "two", "wr")};

}  // namespace

TEST_CASE("every two models on one data set are compared, in a row of counts and the exact p") {
  CHECK(pairwise_table(three).csv() ==
        "data,first,second,both right,only first,only second,both wrong,exact p\n"
        "original,one,two,2,1,6,1,0.1250\n"
        "original,one,three,3,0,0,7,1.0000\n"
        "original,two,three,2,6,1,1,0.1250\n"
        "gan,one,two,0,1,1,0,1.0000\n");
  CHECK(pairwise_table({three[0], three[2]}).rows.empty());
}

TEST_CASE("the same as a triangle for a page") {
  CHECK(pairwise_triangle(three, "original").csv() ==
        "original,two,three\n"
        "one,0.1250 (1 : 6),1.0000 (0 : 0)\n"
        "two,,0.1250 (6 : 1)\n");
  CHECK(pairwise_triangle(three, "augmented").rows.empty());
}

TEST_CASE("models that answered other images are not compared") {
  CHECK(error_of([] {
          pairwise_table({three[0], tested("original", "short", "rr")});
        }) == "original: one and short cannot be compared: the test images differ in number");
}
