#include "tests/expect_ok.h"

using namespace sonograd;

TEST_CASE("each op's gpu kernel gives the values and gradients of the reference on every sample") {
  for (const auto& entry : registry().ops()) {
    const OpEntry& op = entry.second;
    CAPTURE(op.name);
    if (op.kernels.count(Device::gpu) == 0) continue;
    expect_ok(check_op_on(Device::gpu, op));
  }
}

TEST_CASE("each op but a view has a gpu kernel") {
  for (const auto& entry : registry().ops()) {
    CAPTURE(entry.first);
    const bool there = entry.second.kernels.count(Device::gpu) > 0;
    CHECK(there == !entry.second.is_view);
  }
}
