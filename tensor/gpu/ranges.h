#pragma once
#include <optional>
#include <string>

namespace sonograd::gpu {

// Whether NVIDIA's profilers are told what the host is doing: where there is a gpu and SONOGRAD_NVTX=1 is set
// (NVTX, which nsys and ncu read).
bool ranges_on();
void begin_range(const std::string& name);
void end_range();

// A stretch of work that a profiler shows by its name, above the kernels that it launched.
class Range {
 public:
  explicit Range(const std::string& name) { begin_range(name); }
  ~Range() { end_range(); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

// Named by name(), which is not asked where nobody listens.
template <class Name>
class NamedRange {
 public:
  explicit NamedRange(const Name& name) {
    if (ranges_on()) range.emplace(name());
  }

 private:
  std::optional<Range> range;
};

}  // namespace sonograd::gpu
