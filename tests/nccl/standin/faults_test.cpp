// Processes that do not act alike, or of which one fails, on the stand-in; run by mpirun. On cards most of
// this hangs until the launcher ends it.
#include <doctest/doctest.h>

#include <nccl.h>

#include <chrono>

#include "tensor/gpu/nccl.h"
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

// What f does where a failure shows, as it may between machines; and then the processes go on as if they were
// started anew.
Seen seen_at_failure(const std::function<void()>& f) {
  const auto patience = nccl_state().patience;
  nccl_state().tells = true;
  nccl::patience = std::chrono::milliseconds(0);  // none of these failures ends the processes
  const Seen result = seen(f);
  test_group().barrier();
  end_left_communicators();
  nccl_state().tells = false;
  nccl_state().patience = patience;
  const Tensor x = ones(10);
  test_group().sum(x);  // the group's own goes on
  CHECK(x.at(0) == static_cast<double>(test_group().size()));
  return result;
}

}  // namespace

TEST_CASE("counts, types and calls that differ between the processes are told in all of them") {
  for (const int what : {0, 1, 2}) {
    CAPTURE(what);
    const Seen result = seen_at_failure([&] {
      const auto all = another();
      const Tensor x = ones(what == 0 && last() ? 12 : 10, what == 1 && last() ? DType::f64 : DType::f32);
      what == 2 && last() ? all->begin_broadcast(x, 0) : all->begin_sum(x);
      all->finish();
      x.values();
    });
    CHECK(says(result, what == 0 ? "of 12" : what == 1 ? "of type 8" : "ncclBroadcast"));
    CHECK(result.thrown.find("remote process exited") != std::string::npos);
  }
}

TEST_CASE("a process that fails leaves all as it is, and those who are told of it do too") {
  for (const bool begins : {false, true}) {
    CAPTURE(begins);
    const Seen result = seen_at_failure([&] {
      const auto all = another();
      nccl_state().patience = std::chrono::milliseconds(300);
      const Tensor x = ones(10);
      if (begins || !last()) all->begin_sum(x);
      if (last()) throw Error("its own reason");
      all->begin_sum(ones(10));
      all->finish();
      x.values();
    });
    CHECK(result.thrown.find(last() ? "its own reason" : "with the others: remote process exited") !=
          std::string::npos);
    CHECK(result.faults.empty());
  }
}

TEST_CASE("to abort or destroy a communicator alone is to wait for ever") {
  for (const auto leave : {ncclCommAbort, ncclCommDestroy}) {
    const auto by = [&](bool all) {
      Group& group = test_group();
      ncclUniqueId id{};
      std::string bytes = group.leads() ? nccl::new_id() : "";
      group.broadcast(bytes);
      std::copy(bytes.begin(), bytes.end(), id.internal);
      ncclComm_t comm = nullptr;
      ncclCommInitRank(&comm, static_cast<int>(group.size()), id, static_cast<int>(group.rank()));
      const auto patience = nccl_state().patience;
      if (!all) nccl_state().patience = std::chrono::milliseconds(100);
      const Seen result = seen([&] {
        if (all || last()) leave(comm);
      });
      group.barrier();
      if (!all && !last()) leave(comm);
      nccl_state().patience = patience;
      return result;
    };
    CHECK(says(by(false), "waits for ever for the other processes") == last());
    CHECK(by(true).faults.empty());
  }
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
