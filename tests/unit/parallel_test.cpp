#include "base/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tests/with_threads.h"

using namespace sonograd;

namespace {

using Pieces = std::vector<std::pair<Int, Int>>;

Pieces pieces_of(Int n, Int grain) {
  Pieces pieces;
  std::mutex mutex;
  parallel_for(n, grain, [&](Int begin, Int end) {
    const std::lock_guard lock(mutex);
    pieces.emplace_back(begin, end);
  });
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

}  // namespace

TEST_CASE("pieces cover everything once, in order, none smaller than the grain") {
  for (const int count : {1, 2, 3, 7}) {
    const WithThreads here(count);
    for (const Int n : {0, 1, 2, 5, 64, 1000, 1001})
      for (const Int grain : {0, 1, 16, 300, 5000}) {
        const Pieces pieces = pieces_of(n, grain);
        Int next = 0;
        for (const auto& [begin, end] : pieces) {
          CHECK(begin == next);
          CHECK((end - begin >= grain || pieces.size() == 1));
          next = end;
        }
        CHECK(next == n);
        CHECK(static_cast<int>(pieces.size()) <= count);
      }
  }
}

TEST_CASE("the pieces depend on size, grain and thread count alone") {
  const WithThreads here(3);
  const Pieces first = pieces_of(1000, 16);
  CHECK(first.size() == 3);
  for (int again = 0; again < 20; ++again) CHECK(pieces_of(1000, 16) == first);
}

TEST_CASE("a parallel_for inside of another runs in one piece") {
  const WithThreads here(2);
  std::mutex mutex;
  std::vector<std::size_t> inner;
  parallel_for(2, 1, [&](Int, Int) {
    const std::size_t count = pieces_of(1000, 1).size();
    const std::lock_guard lock(mutex);
    inner.push_back(count);
  });
  CHECK(inner == std::vector<std::size_t>{1, 1});
}

TEST_CASE("what a piece throws arrives, and every piece ends") {
  const WithThreads here(3);
  std::atomic<Int> ended{0};
  CHECK_THROWS_WITH_AS(parallel_for(3, 1,
                                    [&](Int begin, Int) {
                                      if (begin == 1) throw Error("piece {}", begin);
                                      ++ended;
                                    }),
                       "piece 1", Error);
  CHECK(ended == 2);
}
