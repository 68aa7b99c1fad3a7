#include <doctest/doctest.h>

#include "tensor/shared_library.h"
#include "tests/error_of.h"

using namespace sonograd;

TEST_CASE("a function of a library is found by its name") {
  const SharedLibrary maths("libm.so.6");
  CHECK(maths.function<double(double)>("cos")(0.0) == 1.0);
  CHECK(
      error_of([&] { maths.function<void()>("no_such_function"); }) ==
      "libm.so.6 has no function no_such_function; it is of another version than this program was built for");
}

TEST_CASE("a library that is not there is refused with what to do") {
  const std::string text = error_of([] { SharedLibrary("libno_such.so.9"); });
  CAPTURE(text);
  CHECK(text.find("libno_such.so.9 cannot be opened (") == 0);
  CHECK(text.find("name its folder in SONOGRAD_CUDA_LIBRARIES") != std::string::npos);
}
