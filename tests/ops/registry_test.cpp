#include <doctest/doctest.h>

#include <filesystem>

#include "autograd/check_op.h"

using namespace sonograd;

TEST_CASE("every op keeps what registering it promises") {
  for (const auto& entry : registry().ops()) {
    const OpEntry& op = entry.second;
    CAPTURE(op.name);
    for (const Check& check : check_op(op)) {
      INFO(check.what << ": " << check.text);
      CHECK(check.ok);
    }
  }
}

TEST_CASE("every folder under ops registers at least one op, and each op is documented by samples") {
  std::ptrdiff_t folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SONOGRAD_SOURCE_DIR "/ops"))
    folders += entry.is_directory() ? 1 : 0;
  CHECK(op_folders() == folders);
  CHECK(static_cast<std::ptrdiff_t>(registry().ops().size()) >= folders);
  for (const auto& entry : registry().ops()) {
    const OpEntry& op = entry.second;
    CAPTURE(op.name);
    CHECK(!op.good.empty());
    CHECK(!op.bad.empty());
    bool gradient_sample = false;
    for (const Sample& sample : op.good) gradient_sample = gradient_sample || sample.gradient;
    CHECK((gradient_sample || !op.has_vjp));
  }
}
