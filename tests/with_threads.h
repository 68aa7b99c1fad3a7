#pragma once
#include "base/parallel.h"

namespace sonograd {

// Computes with so many threads while it lives.
class WithThreads {
 public:
  explicit WithThreads(int count) : before(threads()) { set_threads(count); }
  ~WithThreads() { set_threads(before); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;

 private:
  int before;
};

}  // namespace sonograd
