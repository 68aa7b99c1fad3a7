#include "tests/expect_ok.h"

namespace sonograd {
void register_rms_norm(Registry& registry);  // printed in CONTRIBUTING.md, see tests/CMakeLists.txt
void register_rms_norm_gpu(Registry& registry);
}  // namespace sonograd

using namespace sonograd;

TEST_CASE("the kernel that CONTRIBUTING adds for GPUs is the reference's, as printed") {
  Registry printed;
  register_rms_norm(printed);
  register_rms_norm_gpu(printed);
  const std::vector<Check> checks = check_op_on(Device::gpu, printed.at("rms_norm"));
  CHECK(checks.size() == 3);  // values, vjp and adjoint
  expect_ok(checks);
}
