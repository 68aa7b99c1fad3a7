// The suite of tests/gpu on a real card; elsewhere it is skipped, which ctest is told by this status.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "tensor/gpu/gpu.h"

int main(int argc, char** argv) {
  if (!sonograd::gpu::why_not().empty()) {
    std::printf("skipped: %s\n", sonograd::gpu::why_not().c_str());
    return 77;
  }
  std::printf("on %s\n", sonograd::gpu::description().c_str());
  return doctest::Context(argc, argv).run();
}
