#pragma once
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "base/int.h"

namespace sonograd {

inline void set_threads(int count) {
  omp_set_num_threads(count);
}
inline int threads() {
  return omp_get_max_threads();
}

// Calls f(begin, end) on pieces of 0 … n-1, one piece a thread: the pieces depend on n, grain, the number of
// threads and whether this runs inside another parallel_for (then there is one piece) alone, so that sums
// made piece by piece repeat bit for bit. A piece has at least `grain` items. What the first piece that fails
// throws is thrown here once all have ended.
template <class F>
void parallel_for(Int n, Int grain, F&& f) {
  const Int pieces = std::clamp<Int>(n / std::max<Int>(grain, 1), 1, omp_in_parallel() ? 1 : threads());
  if (pieces == 1) {
    f(Int{0}, n);
    return;
  }
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
  std::exception_ptr thrown;  // none may leave an OpenMP region
  // By a team of all threads, some without a piece: libgomp ends threads that a smaller team leaves out, and
  // a larger one has to start them again.
#pragma omp parallel for schedule(static, 1)
  for (Int piece = 0; piece < pieces; ++piece) {
    try {
      f(n * piece / pieces, n * (piece + 1) / pieces);
    } catch (...) {
      if (!failed.test_and_set()) thrown = std::current_exception();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace sonograd
