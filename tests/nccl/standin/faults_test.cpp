// Processes that do not act alike, or of which one fails, on the stand-in; run by mpirun. On cards most of
// this hangs until the launcher ends it.
#include <doctest/doctest.h>

#include <chrono>

#include "tensor/nccl.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"
#include "tests/mpi/group.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

// A communicator of all beside the group's.
std::unique_ptr<nccl::Communicator> another() {
  Group& group = test_group();
  std::string id = group.leads() ? nccl::new_id() : "";
  group.broadcast(id);
  return nccl::join(id, group.rank(), group.size());
}

Tensor ones(Int count, DType dtype = DType::f32) {
  return Tensor::filled({count}, 1, dtype, Device::gpu);
}

bool last() {
  return test_group().rank() == test_group().size() - 1;
}

}  // namespace

TEST_CASE("counts, types and calls that differ between the processes are told in all of them") {
  for (const int what : {0, 1, 2}) {
    CAPTURE(what);
    const Seen result = seen([&] {
      const auto all = another();
      const Tensor x = ones(what == 0 && last() ? 12 : 10, what == 1 && last() ? DType::f64 : DType::f32);
      what == 2 && last() ? all->begin_broadcast(x, 0) : all->begin_sum(x);
      all->finish();
      x.values();
    });
    CHECK(says(result, what == 0 ? "of 12" : what == 1 ? "of type 8" : "ncclBroadcast"));
    CHECK(result.thrown.find("remote process exited") != std::string::npos);
    test_group().barrier();
  }
}

TEST_CASE("a call that one process does not make is an error of the others, not a wait without end") {
  nccl_state().patience = std::chrono::milliseconds(last() ? 60000 : 300);
  const Seen result = seen([&] {
    const auto all = another();
    const Tensor x = ones(10);
    if (!last()) all->begin_sum(x);
    all->finish();
    x.values();
    if (last()) test_group().barrier();
  });
  if (!last()) test_group().barrier();
  CHECK((result.thrown.find("remote process exited") != std::string::npos) == !last());
  CHECK(result.faults.empty());
  nccl_state().patience = std::chrono::milliseconds(60000);
}

TEST_CASE("a process that fails takes the others out of their wait") {
  const Seen result = seen([&] {
    const auto all = another();
    const Tensor x = ones(10);
    if (last()) throw Error("its own reason");
    all->begin_sum(x);
    all->finish();
    x.values();
  });
  CHECK(result.thrown.find(last() ? "its own reason" : "with the others: remote process exited") !=
        std::string::npos);
  CHECK(result.faults.empty());
  const Tensor y = ones(10);
  test_group().sum(y);  // the group's own goes on
  CHECK(y.at(0) == static_cast<double>(test_group().size()));
}

TEST_CASE("a gpu works on while its process waits for another on the host") {
  Group& group = test_group();
  const Tensor x = ones(10);
  group.begin_sum(x);
  group.finish();
  if (group.leads()) CHECK(x.at(0) == static_cast<double>(group.size()));
  group.barrier();
  CHECK(x.at(9) == static_cast<double>(group.size()));
}
