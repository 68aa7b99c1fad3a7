#include "tensor/gpu.h"
#include "tensor/gpu_ranges.h"

namespace sonograd::gpu {

const std::string& why_not() {
  static const std::string why = "this build has no gpu device";
  return why;
}

namespace {
[[noreturn]] void refuse() {
  throw Error("{}", why_not());
}
}  // namespace

std::string description() {
  refuse();
}
void* allocate(Int) {
  refuse();
}
void release(void*, Int) noexcept {}
Int live_bytes() {
  return 0;
}
Int peak_bytes() {
  return 0;
}
void reset_peak() {}
void upload(void*, const void*, Int) {
  refuse();
}
void download(void*, const void*, Int) {
  refuse();
}
void synchronise() {
  refuse();
}
void copy(const Tensor&, Tensor&) {
  refuse();
}
void fill(Tensor&, double) {
  refuse();
}
void round(const Tensor&, Precision, Tensor&) {
  refuse();
}

bool ranges_on() {
  return false;
}
void begin_range(const std::string&) {}
void end_range() {}

}  // namespace sonograd::gpu
