#include "base/nearest_name.h"

#include <doctest/doctest.h>

using namespace sonograd;

TEST_CASE("the nearest name is asked for, upper and lower case alike") {
  const std::vector<std::string> known{"conv2d", "softmax", "vit_b16", "vit_b32"};
  CHECK(did_you_mean("Conv2D", known) == "; did you mean conv2d?");
  CHECK(did_you_mean("sofmax", known) == "; did you mean softmax?");
  CHECK(did_you_mean("vit_b36", known) == "; did you mean vit_b16 or vit_b32?");
  CHECK(did_you_mean("trian", {"test", "train"}) == "; did you mean train?");
  CHECK(did_you_mean("resnet", known).empty());
  CHECK(did_you_mean("", known).empty());
}
