#include "tensor/storage.h"

#include <algorithm>

#include "tensor/gpu/gpu.h"
#include "tensor/pool.h"

namespace sonograd {
namespace {

// With equal, nested strides a position is a mixed-radix number whose digits are the coordinates in the
// common parent; two boxes are apart where the digits of some axis are. `carries` tells whether a box crosses
// the parent's edge on an axis, after which the digits outside of it say nothing.
bool boxes_apart(const Region& a, const Region& b) {
  Int rest_a = a.offset, rest_b = b.offset;
  Int outer_stride = 0;
  bool apart = false;
  for (int axis = 0; axis < a.shape.rank(); ++axis) {
    const Int stride = a.strides[axis];
    if (stride <= 0 || (outer_stride > 0 && outer_stride % stride != 0)) return false;
    const Int first_a = rest_a / stride, first_b = rest_b / stride;
    rest_a %= stride;
    rest_b %= stride;
    const bool carries = outer_stride > 0 &&
                         (std::max(first_a + a.shape[axis], first_b + b.shape[axis]) > outer_stride / stride);
    if (carries) return false;
    apart = apart || first_a + a.shape[axis] <= first_b || first_b + b.shape[axis] <= first_a;
    outer_stride = stride;
  }
  return apart || rest_a != rest_b;
}

}  // namespace

std::pair<Int, Int> Region::span() const {
  Int last = offset;
  for (int axis = 0; axis < shape.rank(); ++axis) last += (shape[axis] - 1) * strides[axis];
  return {offset, last};
}

bool Region::may_overlap(const Region& other) const {
  if (shape.elements() == 0 || other.shape.elements() == 0) return false;
  const auto mine = span(), theirs = other.span();
  if (mine.second < theirs.first || theirs.second < mine.first) return false;
  return !(strides == other.strides && boxes_apart(*this, other));
}

Storage::Storage(Int bytes, bool on_gpu)
    : on_gpu(on_gpu), block(on_gpu ? gpu::allocate(bytes) : pool::allocate(bytes)), bytes_(bytes) {}

Storage::~Storage() {
  if (on_gpu)
    gpu::release(block, bytes_);
  else
    pool::release(block, bytes_);
}

std::uint64_t Storage::version() const {
  const std::lock_guard lock(mutex);
  return version_;
}

void Storage::record_write(const Region& region) {
  const std::lock_guard lock(mutex);
  ++version_;
  const auto same =
      std::find_if(writes.begin(), writes.end(), [&](const Write& w) { return w.region == region; });
  if (same != writes.end())
    same->version = version_;
  else
    writes.push_back({region, version_});
}

bool Storage::written_since(std::uint64_t version, const Region& region) const {
  const std::lock_guard lock(mutex);
  return std::any_of(writes.begin(), writes.end(),
                     [&](const Write& w) { return w.version > version && w.region.may_overlap(region); });
}

}  // namespace sonograd
