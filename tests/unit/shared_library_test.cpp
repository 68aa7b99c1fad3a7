#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/shared_library.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

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

TEST_CASE("a library is found where pip puts NVIDIA's in the environment of Python that is active") {
  const SharedLibrary maths("libm.so.6");
  auto* const cosine = maths.function<double(double)>("cos");
  Dl_info there{};
  REQUIRE(dladdr(reinterpret_cast<void*>(cosine), &there) != 0);
  const TemporaryFolder environment;
  const auto folder = environment / "lib" / "python3.11" / "site-packages" / "nvidia" / "cu13" / "lib";
  std::filesystem::create_directories(folder);
  std::filesystem::create_symlink(std::filesystem::canonical(there.dli_fname), folder / "libof_pip.so.1");
  CHECK(error_of([] { SharedLibrary("libof_pip.so.1"); }).find("cannot be opened") != std::string::npos);
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    const char* const before = std::getenv(variable);
    const std::string kept = before ? before : "";
    setenv(variable, (environment / "").c_str(), 1);
    CHECK(SharedLibrary("libof_pip.so.1").function<double(double)>("cos")(0.0) == 1.0);
    CHECK(error_of([] { SharedLibrary("libno_such.so.9"); }).find("libno_such.so.9 cannot be opened (") == 0);
    before ? setenv(variable, kept.c_str(), 1) : unsetenv(variable);
  }
}
