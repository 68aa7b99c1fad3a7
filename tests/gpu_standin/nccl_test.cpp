// Mistakes in calls of NCCL that hang, or give wrong numbers at times, on cards alone, and what the stand-in
// says to them. Those between processes are in tests/nccl/standin.
#include <doctest/doctest.h>
#include <nccl.h>

#include <cmath>

#include "tensor/gpu/nccl.h"
#include "tensor/gpu/runtime.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

// A communicator of one process, with a stream.
struct Raw {
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  Raw() {
    ncclUniqueId id{};
    ncclGetUniqueId(&id);
    ncclCommInitRank(&comm, 1, id, 0);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  }
  ~Raw() {
    cudaStreamSynchronize(stream);
    ncclCommDestroy(comm);
    cudaStreamDestroy(stream);
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  Seen sum(const float* from, float* to, std::size_t count, cudaStream_t on) const {
    return seen([&] { ncclAllReduce(from, to, count, ncclFloat32, ncclSum, comm, on); });
  }
  Seen sum(const float* from, float* to, std::size_t count) const { return sum(from, to, count, stream); }
};

Tensor ones(Int count = 100) {
  return Tensor::filled({count}, 1, DType::f32, Device::gpu);
}
Tensor nothing() {
  return Tensor::empty({100}, DType::f32, Device::gpu);
}

}  // namespace

TEST_CASE("a stream that no event orders sends what is not there yet") {
  const Raw raw;
  for (const bool ordered : {false, true}) {
    CAPTURE(ordered);
    const Tensor x = ones();
    Tensor y = nothing();
    gpu::Event made;
    made.record();
    if (ordered) made.hold_back(raw.stream);
    raw.sum(x.gpu_data<float>(), y.mutable_gpu_data<float>(), 100);
    cudaStreamSynchronize(raw.stream);
    CHECK(std::isnan(y.at(3)) == !ordered);
  }
}

TEST_CASE("our stream reads what is not there yet, unless an event holds it back") {
  const Raw raw;
  for (const bool ordered : {false, true}) {
    CAPTURE(ordered);
    const Tensor x = ones();
    gpu::synchronise();
    Tensor y = nothing();
    raw.sum(x.gpu_data<float>(), y.mutable_gpu_data<float>(), 100);
    gpu::Event arrived;
    arrived.record(raw.stream);
    if (ordered) arrived.hold_back(gpu::stream());
    CHECK(std::isnan(y.at(3)) == !ordered);
  }
}

TEST_CASE("an event that is recorded anew still holds back what waited for it before, and no more") {
  const Raw raw;
  Tensor x = ones();
  Tensor y = nothing();
  gpu::Event made;
  made.record();
  made.hold_back(raw.stream);
  x.fill(2);
  made.record();
  raw.sum(x.gpu_data<float>(), y.mutable_gpu_data<float>(), 100);
  cudaStreamSynchronize(raw.stream);
  CHECK(y.at(0) == 1);  // not the 2 that the later record would have waited for
}

TEST_CASE("in place or apart, within one block, on a stream of ours") {
  const Raw raw;
  Tensor x = ones(200);
  float* const at = x.mutable_gpu_data<float>();
  CHECK(raw.sum(at, at, 200).faults.empty());
  CHECK(raw.sum(at, at + 100, 100).faults.empty());
  CHECK(says(raw.sum(at, at + 50, 100), "buffers that overlap and are not the same"));
  CHECK(says(raw.sum(at + 50, at, 100), "buffers that overlap and are not the same"));
  CHECK(says(raw.sum(at + 150, at + 150, 100), "are no part of one block of the gpu"));
  std::vector<float> host(100);
  CHECK(says(raw.sum(host.data(), host.data(), 100), "are no part of one block of the gpu"));
  CHECK(says(raw.sum(at, at, 100, nullptr), "legacy stream"));
  CHECK(says(seen([&] { ncclBroadcast(at, at, 100, ncclFloat32, 1, raw.comm, raw.stream); }),
             "from a process that is none"));
}

TEST_CASE("a communicator is used on its gpu, destroyed once, when its work is done, and not used then") {
  machine().count = 2;
  auto raw = std::make_unique<Raw>();
  Tensor x = ones();
  float* const at = x.mutable_gpu_data<float>();
  cudaSetDevice(1);
  CHECK(says(raw->sum(at, at, 100), "of another gpu than the communicator's"));
  CHECK(says(seen([&] { x.fill(1); }), "a kernel from a thread on another gpu"));
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  cudaSetDevice(0);
  CHECK(raw->sum(at, at, 100).faults.empty());
  CHECK(says(seen([&] { ncclCommDestroy(raw->comm); }), "destroyed with work under way"));
  cudaStreamSynchronize(raw->stream);
  CHECK(ncclCommDestroy(raw->comm) == ncclSuccess);
  CHECK(says(seen([&] { ncclCommDestroy(raw->comm); }), "is none, or was destroyed"));
  CHECK(says(raw->sum(at, at, 100), "is none, or was destroyed"));
  raw.reset();
  take_faults();
  machine().count = 1;
}

TEST_CASE("what NCCL refuses is told with the call, its size and who made it") {
  const std::string id = nccl::new_id();
  CHECK(nccl::version() == "2.28.9");
  const auto alone = nccl::join(id, 0, 1);
  const Tensor x = ones(12);
  nccl_state().failing["ncclAllReduce"] = ncclUnhandledCudaError;
  CHECK(seen([&] {
          alone->begin_sum(x);
        }).thrown.find("NCCL: ncclAllReduce of 12 f32 by process 1 of 1: unhandled cuda error (1)") == 0);
  nccl_state().failing["ncclBroadcast"] = ncclInvalidArgument;
  CHECK(says(seen([&] { alone->begin_broadcast(x, 0); }),
             "ncclBroadcast of 12 f32 by process 1 of 1: invalid"));
  nccl_state().failing["ncclGetUniqueId"] = ncclSystemError;
  CHECK(says(seen([&] { nccl::new_id(); }), "ncclGetUniqueId"));
  nccl_state().failing["ncclCommGetAsyncError"] = ncclInternalError;
  alone->begin_sum(x);
  alone->finish();
  CHECK(says(seen([&] { x.values(); }), "ncclCommGetAsyncError by process 1 of 1"));
  CHECK(x.at(0) == 1);
}
