#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/mpi/group.h"

#include <doctest/doctest.h>

namespace {

std::unique_ptr<sonograd::Group> joined;

}  // namespace

sonograd::Group& test_group() {
  return joined ? *joined : sonograd::one_process();
}

// Each process runs all the tests of the files given; one that fails ends with another status, and so does
// mpirun.
int main(int argc, char** argv) {
  joined = sonograd::join_group();
  doctest::Context context(argc, argv);
  if (!test_group().leads()) context.setOption("minimal", true);
  const int status = context.run();
  joined.reset();
  return status;
}
