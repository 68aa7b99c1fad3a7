#include "tests/expect_ok.h"

namespace sonograd {
void register_rms_norm(Registry& registry);  // printed in CONTRIBUTING.md, see tests/CMakeLists.txt
void register_rms_norm_cpu(Registry& registry);
}  // namespace sonograd

using namespace sonograd;

TEST_CASE("the op that CONTRIBUTING adds keeps what registering it promises, as printed") {
  Registry printed;
  register_rms_norm(printed);
  register_rms_norm_cpu(printed);
  const std::vector<Check> checks = check_op(printed.at("rms_norm"));
  CHECK(checks.size() == 5);  // refusals, gradient; values, vjp and adjoint on the cpu
  expect_ok(checks);
}
