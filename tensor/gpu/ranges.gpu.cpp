#include "tensor/gpu/ranges.h"

#include <nvtx3/nvtx3.hpp>

#include <cstdlib>
#include <string_view>

#include "tensor/gpu/gpu.h"

namespace sonograd::gpu {

bool ranges_on() {
  static const bool on = [] {
    const char* const set = std::getenv("SONOGRAD_NVTX");
    return set && std::string_view(set) == "1" && why_not().empty();
  }();
  return on;
}
void begin_range(const std::string& name) {
  nvtxRangePushA(name.c_str());
}
void end_range() {
  nvtxRangePop();
}

}  // namespace sonograd::gpu
