#include "ops/conv2d/unserved.h"

#include <algorithm>
#include <mutex>

namespace sonograd::convolution {
namespace {

struct Noted {
  std::mutex mutex;
  std::vector<std::string> all;
};
Noted& noted() {
  static Noted the_noted;
  return the_noted;
}

}  // namespace

std::vector<std::string> unserved() {
  const std::lock_guard lock(noted().mutex);
  return noted().all;
}

void note_unserved(const std::string& convolution) {
  const std::lock_guard lock(noted().mutex);
  std::vector<std::string>& all = noted().all;
  if (std::find(all.begin(), all.end(), convolution) == all.end()) all.push_back(convolution);
}

}  // namespace sonograd::convolution
