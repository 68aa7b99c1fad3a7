// What a group of MPI's processes promises; run by mpirun.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/mpi/group.h"
#include "train/distributed/buckets.h"

using namespace sonograd;

namespace {

// Of which f32 sums to another number in any other order, beginning with these.
constexpr float by_rank[] = {1e8F, 1, -1e8F, 1};

Tensor numbers(const std::vector<double>& values, DType dtype = DType::f32) {
  return Tensor::of({static_cast<Int>(values.size())}, values, dtype, Device::cpu);
}

}  // namespace

TEST_CASE("a sum adds in the order of the ranks, the same bits in each process") {
  Group& group = test_group();
  REQUIRE(group.size() <= 4);
  float expected = by_rank[0];
  for (Int p = 1; p < group.size(); ++p) expected += by_rank[p];
  for (const std::size_t elements : {0, 1, 2, 3, 5, 1000}) {
    CAPTURE(elements);
    const Tensor x = numbers(std::vector<double>(elements, by_rank[group.rank()]));
    group.sum(x);
    CHECK((x.values() == std::vector<double>(elements, expected)));
  }
}

TEST_CASE("sums are done in the order in which they were begun, in f32 and f64, while others are made") {
  Group& group = test_group();
  const auto mine = static_cast<double>(group.rank() + 1), n = static_cast<double>(group.size());
  std::vector<Tensor> sums;
  for (Int i = 0; i < 20; ++i) {
    sums.push_back(
        numbers({mine * static_cast<double>(i), 0.1 * mine}, i % 2 == 0 ? DType::f32 : DType::f64));
    group.begin_sum(sums.back());
  }
  group.finish();
  double tenths = 0.1;
  for (Int p = 1; p < group.size(); ++p) tenths += 0.1 * static_cast<double>(p + 1);
  for (Int i = 0; i < 20; ++i) {
    CHECK(sums[static_cast<std::size_t>(i)].at(0) == static_cast<double>(i) * n * (n + 1) / 2);
    if (i % 2 == 1) CHECK(sums[static_cast<std::size_t>(i)].at(1) == tenths);
  }
  CHECK_THROWS_AS(group.sum(Tensor::zeros({2, 3}).slice(1, 0, 2)), Error);
}

TEST_CASE("a broadcast gives all what one has, numbers and text of any length") {
  Group& group = test_group();
  const Int last = group.size() - 1;
  const Tensor x = numbers({static_cast<double>(group.rank()), 7}, DType::f64);
  group.broadcast(x, last);
  CHECK(x.at(0) == static_cast<double>(last));
  std::string text =
      group.rank() == last ? "from the last" : std::string(static_cast<std::size_t>(group.rank()), 'x');
  group.broadcast(text, last);
  CHECK(text == "from the last");
  text = group.leads() ? "" : "something";
  group.broadcast(text);
  CHECK(text == "");
  CHECK(any_says(group, group.rank() == last));
  CHECK_FALSE(any_says(group, false));
  CHECK(first_says(group, group.leads()));
  CHECK_FALSE(first_says(group, !group.leads()));
}

TEST_CASE("buckets of any size give each tensor's sum under its number") {
  Group& group = test_group();
  const auto n = static_cast<double>(group.size());
  for (const Int bytes : {1, 40, 1 << 20}) {
    CAPTURE(bytes);
    Buckets buckets(group, 5, bytes);
    for (const std::size_t which : {3, 0, 4, 1, 2}) {
      const auto columns = static_cast<Int>(which);
      const Tensor x = Tensor::filled({2, columns + 1}, static_cast<double>(which), DType::f32, Device::cpu);
      buckets.add(which, x.slice(1, 0, columns));
    }
    const Tensors sums = buckets.finish();
    for (std::size_t which = 0; which < 5; ++which) {
      CHECK(sums[which].shape() == Shape{2, static_cast<Int>(which)});
      CHECK((sums[which].values() == std::vector<double>(2 * which, static_cast<double>(which) * n)));
    }
  }
}
