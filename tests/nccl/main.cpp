// Each process runs all the tests of the files given, on a GPU of its own; skipped where there are not as
// many.
#define DOCTEST_CONFIG_IMPLEMENT
#ifdef SONOGRAD_STANDIN
#include "tests/gpu_standin/no_faults.h"
#else
#include <doctest/doctest.h>
#endif

#include <cstdio>

#include "tensor/gpu/gpu.h"
#include "tests/mpi/group.h"
#include "train/distributed/gpu_group.h"

using namespace sonograd;

namespace {

std::unique_ptr<Group> joined, on_gpus;

Group& host() {
  return joined ? *joined : one_process();
}

}  // namespace

Group& test_group() {
  return on_gpus ? *on_gpus : host();
}

int main(int argc, char** argv) {
  joined = join_group();
  gpu::device_index() = static_cast<int>(host().place_here());
  if (any_says(host(), !gpu::why_not().empty())) {
    if (!gpu::why_not().empty()) std::printf("skipped: %s\n", gpu::why_not().c_str());
    joined.reset();
    return 77;
  }
  on_gpus = join_gpus(host(), Device::gpu);
  doctest::Context context(argc, argv);
  if (!host().leads()) context.setOption("minimal", true);
  int status = context.run();
#ifdef SONOGRAD_STANDIN
  if (left_behind) status = 1;
#endif
  on_gpus.reset();
  joined.reset();
  return status;
}
