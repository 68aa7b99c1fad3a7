#include "tensor/storage.h"

#include <doctest/doctest.h>

#include <set>

#include "base/philox.h"
#include "tensor/view.h"

using namespace sonograd;

namespace {

std::set<Int> elements(const Region& r) {
  std::set<Int> all;
  for_each_index(r.shape, [&](const Shape& i) {
    Int at = r.offset;
    for (int axis = 0; axis < i.rank(); ++axis) at += i[axis] * r.strides[axis];
    all.insert(at);
  });
  return all;
}

bool share_an_element(const Region& a, const Region& b) {
  const std::set<Int> mine = elements(a), theirs = elements(b);
  for (const Int e : mine)
    if (theirs.count(e) > 0) return true;
  return false;
}

// A box cut out of a row-major parent.
Region box(const Shape& parent, const Shape& first, const Shape& size) {
  const Strides strides = row_major_strides(parent);
  Region r{0, size, strides};
  for (int axis = 0; axis < parent.rank(); ++axis) r.offset += first[axis] * strides[axis];
  return r;
}

}  // namespace

TEST_CASE("channel slices of one buffer overlap exactly where they share channels") {
  const Shape parent{2, 3, 3, 8};
  const Region low = box(parent, {0, 0, 0, 0}, {2, 3, 3, 4}), high = box(parent, {0, 0, 0, 4}, {2, 3, 3, 4});
  const Region middle = box(parent, {0, 0, 0, 3}, {2, 3, 3, 2});
  CHECK(!low.may_overlap(high));
  CHECK(!high.may_overlap(low));
  CHECK(low.may_overlap(middle));
  CHECK(middle.may_overlap(high));
  CHECK(low.may_overlap(low));
}

TEST_CASE("overlap of random boxes cut from one parent is exact") {
  const Random random(3, "boxes");
  std::uint64_t draw = 0;
  const auto below = [&](Int bound) { return random.below(bound, draw++); };
  int apart = 0, together = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    Shape parent, first[2], size[2];
    for (int axis = 0; axis < 3; ++axis) {
      parent.push_back(1 + below(4));
      for (int k = 0; k < 2; ++k) {
        first[k].push_back(below(parent[axis]));
        size[k].push_back(1 + below(parent[axis] - first[k][axis]));
      }
    }
    const Region a = box(parent, first[0], size[0]), b = box(parent, first[1], size[1]);
    const bool shared = share_an_element(a, b);
    REQUIRE(a.may_overlap(b) == shared);
    REQUIRE(b.may_overlap(a) == shared);
    ++(shared ? together : apart);
  }
  CHECK(apart > 200);
  CHECK(together > 200);
}

TEST_CASE("views with other strides may be said to overlap, never the reverse") {
  const Random random(4, "views");
  std::uint64_t draw = 0;
  const auto below = [&](Int bound) { return random.below(bound, draw++); };
  const auto view = [&] {
    Region r{below(12), {}, {}};
    for (int axis = 0; axis < 2; ++axis) {
      r.shape.push_back(1 + below(3));
      r.strides.push_back(below(6));
    }
    return r;
  };
  for (int trial = 0; trial < 5000; ++trial) {
    const Region a = view(), b = view();
    if (!share_an_element(a, b)) continue;
    INFO(a.offset << " " << a.shape.text() << a.strides.text() << ", " << b.offset << " " << b.shape.text()
                  << b.strides.text());
    REQUIRE(a.may_overlap(b));
  }
}

TEST_CASE("empty views overlap with nothing, far ones neither") {
  const Region all{0, {4, 4}, {4, 1}}, none{0, {0, 4}, {4, 1}}, far{100, {4, 4}, {4, 1}};
  CHECK(!all.may_overlap(none));
  CHECK(!all.may_overlap(far));
}

TEST_CASE("a storage tells what was written since") {
  Storage storage(1024);
  const Region low{0, {4}, {1}}, high{4, {4}, {1}};
  const std::uint64_t start = storage.version();
  CHECK(!storage.written_since(start, low));
  storage.record_write(low);
  CHECK(storage.written_since(start, low));
  CHECK(!storage.written_since(start, high));
  const std::uint64_t after = storage.version();
  CHECK(!storage.written_since(after, low));
  storage.record_write({2, {4}, {1}});
  CHECK(storage.written_since(after, low));
  CHECK(storage.written_since(after, high));
}
