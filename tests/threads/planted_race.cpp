#include <cstdio>

#include "base/parallel.h"

// Two threads add to one number without a lock: the thread sanitizer must say so, or its silence elsewhere
// means nothing.
int main() {
  long total = 0;
  sonograd::set_threads(2);
  sonograd::parallel_for(1000000, 1, [&](sonograd::Int begin, sonograd::Int end) {
    for (sonograd::Int i = begin; i < end; ++i) total += i;
  });
  std::printf("%ld\n", total);
}
