#pragma once
#include <functional>

#include "base/error.h"
#include "tests/gpu_standin/standin.h"

namespace gpu_standin {

// The faults noted while something ran, and the text of what it threw.
struct Seen {
  std::vector<std::string> faults;
  std::string thrown;
};
inline Seen seen(const std::function<void()>& f) {
  Seen result;
  try {
    f();
  } catch (const sonograd::Error& error) {
    result.thrown = error.what();
  }
  result.faults = take_faults();
  return result;
}
inline bool says(const Seen& result, const std::string& part) {
  for (const std::string& fault : result.faults)
    if (fault.find(part) != std::string::npos) return true;
  return result.thrown.find(part) != std::string::npos;
}

}  // namespace gpu_standin
