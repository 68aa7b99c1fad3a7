#include "tensor/pool.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tensor/tensor.h"

using namespace sonograd;

TEST_CASE("live and peak bytes follow what is held") {
  pool::reset_peak();
  const Int before = pool::live_bytes();
  {
    const Tensor a = Tensor::empty({1000}), b = Tensor::empty({100});
    CHECK(pool::live_bytes() - before == 4032 + 448);  // rounded up to 64 bytes
    CHECK(pool::peak_bytes() - before == 4032 + 448);
    const Tensor view = a.slice(0, 5, 10);
    CHECK(pool::live_bytes() - before == 4032 + 448);
  }
  CHECK(pool::live_bytes() == before);
  CHECK(pool::peak_bytes() - before == 4032 + 448);
  pool::reset_peak();
  CHECK(pool::peak_bytes() == before);
}

TEST_CASE("blocks are aligned and apart") {
  std::vector<std::pair<std::uintptr_t, Int>> blocks;
  for (Int bytes = 1; bytes < 2000; bytes += 97)
    blocks.emplace_back(reinterpret_cast<std::uintptr_t>(pool::allocate(bytes)), bytes);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CHECK(blocks[i].first % pool::alignment == 0);
    for (std::size_t j = 0; j < i; ++j)
      CHECK((blocks[i].first + static_cast<std::uintptr_t>(blocks[i].second) <= blocks[j].first ||
             blocks[j].first + static_cast<std::uintptr_t>(blocks[j].second) <= blocks[i].first));
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the addresses were added to
  for (const auto& [address, bytes] : blocks) pool::release(reinterpret_cast<void*>(address), bytes);
}

#ifndef SONOGRAD_SANITIZED
TEST_CASE("neighbours that were released become one block again, and a step's blocks are found again") {
  constexpr Int piece = Int{1} << 20;
  void* const whole = pool::allocate(4 * piece);
  pool::release(whole, 4 * piece);
  void* pieces[4];
  for (void*& p : pieces) p = pool::allocate(piece);
  CHECK(pieces[0] == whole);
  for (const int k : {0, 2, 1, 3})
    pool::release(pieces[k], piece);  // with a neighbour above, below and on both sides
  CHECK(pool::allocate(4 * piece) == whole);
  pool::release(whole, 4 * piece);
}

TEST_CASE("the first block that fits is taken: what lives keeps to the low end") {
  constexpr Int large = Int{1} << 22, small = Int{1} << 14;
  void* const a = pool::allocate(large);
  void* const fence1 = pool::allocate(64);
  void* const b = pool::allocate(small);
  void* const fence2 = pool::allocate(64);
  pool::release(a, large);
  pool::release(b, small);
  CHECK(pool::allocate(small) == a);
  CHECK(pool::allocate(small) != b);  // but behind it, where a was
  for (void* const block : {a, static_cast<void*>(static_cast<char*>(a) + small)})
    pool::release(block, small);
  CHECK(pool::allocate(large) == a);
  pool::release(a, large);
  pool::release(fence1, 64);
  pool::release(fence2, 64);
}
#endif

TEST_CASE("memory that the system does not have is an error that names the size") {
  CHECK_THROWS_WITH_AS(pool::allocate(Int{1} << 52), doctest::Contains("cannot allocate 4294967296 MiB"),
                       Error);
}

TEST_CASE("more than the machine's memory and swap is refused, not promised") {
  struct sysinfo machine {};
  REQUIRE(sysinfo(&machine) == 0);
  const Int there = static_cast<Int>((machine.totalram + machine.totalswap) * machine.mem_unit);
  const Int before = pool::live_bytes();
  CHECK_THROWS_WITH_AS(pool::allocate(2 * there),
                       doctest::Contains(fmt::format("the machine has {} MiB", there >> 20).c_str()), Error);
  CHECK_THROWS_AS(pool::allocate(there - before + 1), Error);
  CHECK_THROWS_AS(pool::allocate(std::numeric_limits<Int>::max()), Error);
  CHECK(pool::live_bytes() == before);
}

TEST_CASE("threads allocate side by side") {
  const Int before = pool::live_bytes();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) Tensor::filled({1 + (t * 37 + i) % 100}, t);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(pool::live_bytes() == before);
}
