#pragma once
#include <doctest/doctest.h>

#include <vector>

#include "autograd/check_op.h"

// Each failed check, with what was checked and what was found.
inline void expect_ok(const std::vector<sonograd::Check>& checks) {
  for (const sonograd::Check& check : checks) {
    INFO(check.what << ": " << check.text);
    CHECK(check.ok);
  }
}
