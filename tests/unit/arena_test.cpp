// The book of free memory, by addresses of memory that need not be there.
#include "tensor/arena.h"

#include <doctest/doctest.h>

#include <random>

using namespace sonograd;

namespace {

constexpr std::uintptr_t first = 1 << 20;
constexpr Int unit = 256;

std::uintptr_t take(Arena& arena, Int units) {
  return reinterpret_cast<std::uintptr_t>(arena.take(units * unit));
}
void give(Arena& arena, std::uintptr_t block, Int units) {
  arena.give(reinterpret_cast<void*>(block), units * unit);  // NOLINT(performance-no-int-to-ptr)
}
std::uintptr_t at(Int units, std::uintptr_t chunk = first) {
  return chunk + static_cast<std::uintptr_t>(units * unit);
}

}  // namespace

TEST_CASE("bytes are rounded to whole units, at least one") {
  const Arena arena(unit);
  for (const auto& [bytes, rounded] :
       std::vector<std::pair<Int, Int>>{{0, 256}, {1, 256}, {256, 256}, {257, 512}, {1023, 1024}})
    CHECK(arena.rounded(bytes) == rounded);
}

TEST_CASE("a chunk is split from its low end until it is used up, and none is given beyond it") {
  Arena arena(unit);
  CHECK(take(arena, 1) == 0);
  arena.add({first, 10 * unit});
  CHECK(take(arena, 3) == at(0));
  CHECK(take(arena, 2) == at(3));
  CHECK(take(arena, 6) == 0);
  CHECK(take(arena, 5) == at(5));
  CHECK(take(arena, 1) == 0);
  CHECK(arena.live() == 10 * unit);
  CHECK(arena.held() == 10 * unit);
}

TEST_CASE("what is given back is used again, the first that fits, and neighbours become one") {
  const std::vector<std::vector<Int>> orders{{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                             {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    Arena arena(unit);
    arena.add({first, 12 * unit});
    for (const Int units : {1, 2, 4, 2, 3}) take(arena, units);  // at 0, 1, 3, 7, 9
    const std::vector<std::pair<Int, Int>> middle{{1, 2}, {3, 4}, {7, 2}};
    for (const Int k : order) {
      CHECK(take(arena, 8) == 0);
      give(arena, at(middle[static_cast<std::size_t>(k)].first), middle[static_cast<std::size_t>(k)].second);
    }
    CHECK(take(arena, 9) == 0);
    CHECK(take(arena, 8) == at(1));
    give(arena, at(0), 1);
    give(arena, at(9), 3);
    CHECK(take(arena, 1) == at(0));  // and not behind
    CHECK(take(arena, 3) == at(9));
  }
}

TEST_CASE("chunks apart are not joined though they touch, and free ones go back as a whole") {
  Arena arena(unit);
  arena.add({first, 4 * unit});  // never given back
  arena.add_apart({at(4), 4 * unit});
  arena.add_apart({at(8), 4 * unit});
  CHECK(take(arena, 5) == 0);
  CHECK(take(arena, 4) == at(0));
  CHECK(take(arena, 4) == at(4));
  CHECK(take(arena, 1) == at(8));
  CHECK_FALSE(arena.has(reinterpret_cast<void*>(at(3))));  // NOLINT(performance-no-int-to-ptr)
  for (const Int inside : {4, 7, 8, 11})
    CHECK(arena.has(reinterpret_cast<void*>(at(inside))));  // NOLINT(performance-no-int-to-ptr)
  CHECK_FALSE(arena.has(reinterpret_cast<void*>(at(12))));  // NOLINT(performance-no-int-to-ptr)
  give(arena, at(0), 4);
  give(arena, at(4), 4);
  CHECK(take(arena, 5) == 0);
  CHECK(arena.held() == 12 * unit);
  const auto removed = arena.remove_free_chunks();
  REQUIRE(removed.size() == 1);
  CHECK(removed[0].address == at(4));
  CHECK(removed[0].bytes == 4 * unit);
  CHECK(arena.held() == 8 * unit);
  give(arena, at(8), 1);
  CHECK(take(arena, 4) == at(0));
  CHECK(take(arena, 4) == at(8));
  CHECK(take(arena, 1) == 0);
  CHECK(arena.remove_free_chunks().empty());
}

TEST_CASE("live and peak bytes follow what is out, and what lies elsewhere is counted too") {
  Arena arena(unit);
  arena.add({first, 8 * unit});
  take(arena, 3);
  take(arena, 2);
  give(arena, at(0), 3);
  arena.count(unit);
  CHECK(arena.live() == 3 * unit);
  CHECK(arena.peak() == 5 * unit);
  arena.reset_peak();
  CHECK(arena.peak() == 3 * unit);
}

// Beside a map of which unit belongs to which block.
TEST_CASE(
    "in whatever order blocks come and go, none overlap, all are aligned, and all is whole at the end") {
  Arena arena(unit);
  constexpr Int units = 200;
  arena.add_apart({first, units / 2 * unit});
  arena.add_apart({at(units / 2), units / 2 * unit});
  std::vector<bool> taken(units, false);
  std::vector<std::pair<std::uintptr_t, Int>> out;
  std::mt19937 random(1);
  const auto mark = [&](std::uintptr_t block, Int count, bool as) {
    CHECK((block - first) % unit == 0);
    const auto from = (block - first) / unit;
    CHECK(from + static_cast<std::size_t>(count) <= units);
    CHECK(from / (units / 2) == (from + static_cast<std::size_t>(count) - 1) / (units / 2));  // of one chunk
    for (auto i = from; i < from + static_cast<std::size_t>(count); ++i) {
      CHECK(taken[i] != as);
      taken[i] = as;
    }
  };
  for (int turn = 0; turn < 3000; ++turn) {
    if (random() % 2 == 0 || out.empty()) {
      const Int count = 1 + static_cast<Int>(random() % 12);
      if (const std::uintptr_t block = take(arena, count); block != 0) {
        mark(block, count, true);
        out.emplace_back(block, count);
      }
    } else {
      std::swap(out[random() % out.size()], out.back());
      mark(out.back().first, out.back().second, false);
      give(arena, out.back().first, out.back().second);
      out.pop_back();
    }
  }
  for (const auto& [block, count] : out) give(arena, block, count);
  CHECK(arena.live() == 0);
  CHECK(arena.remove_free_chunks().size() == 2);
}
