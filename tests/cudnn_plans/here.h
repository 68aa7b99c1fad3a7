#pragma once
#include <doctest/doctest.h>

#include "base/error.h"
#include "tensor/gpu/cudnn.h"
#include "tests/cudnn_plans/devices.h"

namespace sonograd {

inline bool cudnn_is_here() {
  try {
    cudnn::functions();
    return true;
  } catch (const Error& error) {
    MESSAGE("skipped: " << error.what());
    return false;
  }
}

}  // namespace sonograd
