// What a group of processes promises of tensors on their GPUs; run by mpirun.
#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "ops/binary/binary.h"
#include "tensor/gpu/nccl.h"
#include "tests/error_of.h"
#include "tests/mpi/group.h"
#include "train/distributed/buckets.h"
#include "train/distributed/gpu_group.h"

using namespace sonograd;

namespace {

Tensor filled(const Shape& shape, double value, DType dtype = DType::f32) {
  return Tensor::filled(shape, value, dtype, Device::gpu);
}

// The same numbers in each process.
void check_shared(const Tensor& x) {
  Group& group = test_group();
  const Tensor first = Tensor::of(x.shape(), x.values(), DType::f64, Device::reference);
  group.broadcast(first);
  CHECK((first.values() == x.values()));
}

}  // namespace

TEST_CASE("a sum is that of all, whatever its size and type, the same bits in each process") {
  Group& group = test_group();
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Int elements : {0, 1, 2, 3, 5, 1000, 300001}) {
      CAPTURE(elements);
      std::vector<double> mine(static_cast<std::size_t>(elements)), sum(mine.size(), 0.0);
      for (std::size_t i = 0; i < mine.size(); ++i)
        for (Int p = 0; p < group.size(); ++p) {
          const double part = std::sin(static_cast<double>(i % 97) + 0.1) / static_cast<double>(p + 1);
          if (p == group.rank()) mine[i] = part;
          sum[i] += part;
        }
      const Tensor x = Tensor::of({elements}, mine, dtype, Device::gpu);
      group.sum(x);
      double largest = 0;
      const std::vector<double> got = x.values();
      for (std::size_t i = 0; i < sum.size(); ++i) largest = std::max(largest, std::abs(got[i] - sum[i]));
      // What n roundings of numbers below 3 may sum to.
      CHECK(largest <= 3 * static_cast<double>(group.size()) * (dtype == DType::f32 ? 0x1p-23 : 0x1p-51));
      if (elements < 2000) check_shared(x);
    }
}

TEST_CASE("sums begin when what makes their terms is done, and what reads them afterwards waits") {
  Group& group = test_group();
  const auto mine = static_cast<double>(group.rank() + 1), n = static_cast<double>(group.size());
  Tensors sums;
  for (Int i = 0; i < 20; ++i) {
    Tensor x = filled({257}, mine);
    sums.push_back(multiply(x, filled({257}, static_cast<double>(i))));
    group.begin_sum(sums.back());
    x.fill(-1);
  }
  group.finish();
  for (Int i = 0; i < 20; ++i)
    CHECK(add(sums[static_cast<std::size_t>(i)], filled({257}, 1)).at(256) ==
          static_cast<double>(i) * n * (n + 1) / 2 + 1);
}

TEST_CASE("what is let go while its sum is under way is given to nobody else before") {
  Group& group = test_group();
  Tensors others;
  for (int i = 0; i < 8; ++i) {
    group.begin_sum(filled({4096}, 1));
    others.push_back(filled({4096}, 7));  // of the same size: the pool would put it there
  }
  group.finish();
  for (const Tensor& other : others) CHECK(other.at(7) == 7);
}

TEST_CASE("a broadcast gives all what one has") {
  Group& group = test_group();
  const Int last = group.size() - 1;
  for (const DType dtype : {DType::f32, DType::f64}) {
    Tensor x = filled({1000}, static_cast<double>(group.rank()), dtype);
    group.broadcast(x, last);
    CHECK(x.at(999) == static_cast<double>(last));
    x.fill(static_cast<double>(group.rank()));
    group.broadcast(x);
    CHECK(x.at(0) == 0);
  }
}

TEST_CASE("buckets of any size give each tensor's sum under its number") {
  Group& group = test_group();
  const auto n = static_cast<double>(group.size());
  for (const int bytes : {1, 40, 1 << 20}) {
    CAPTURE(bytes);
    Buckets buckets(group, 5, bytes);
    for (const std::size_t which : {3, 0, 4, 1, 2}) {
      const auto columns = static_cast<Int>(which);
      buckets.add(which, filled({2, columns + 1}, static_cast<double>(which)).slice(1, 0, columns));
    }
    const Tensors sums = buckets.finish();
    for (std::size_t which = 0; which < 5; ++which)
      CHECK((sums[which].values() == std::vector<double>(2 * which, static_cast<double>(which) * n)));
  }
}

TEST_CASE("a thread that did nothing on a gpu before joins on its process'") {
  Group& group = test_group();
  std::string id = group.leads() ? nccl::new_id() : "";
  group.broadcast(id);
  const Tensor x = filled({10}, 1);
  std::string error;
  std::thread([&] {
    error = error_of([&] {
      const auto all = nccl::join(id, group.rank(), group.size());
      all->begin_sum(x);
      all->finish();
    });
  }).join();
  CHECK(error == "no error");
  CHECK(x.at(0) == static_cast<double>(group.size()));
}

TEST_CASE("views are refused, what lies on the host goes as before, and all know who sums how") {
  Group& group = test_group();
  CHECK(error_of([&] { group.sum(filled({2, 3}, 0).slice(1, 0, 2)); }).find("dense") != std::string::npos);
  CHECK(sum_over(group, {0.5})[0] == 0.5 * static_cast<double>(group.size()));
  CHECK(group.order_of_sums().find("NCCL 2.") == 0);
  CHECK(join_gpus(one_process(), Device::gpu) == nullptr);
}
