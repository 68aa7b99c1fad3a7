#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>

#include "ops/unary/unary.h"
#include "tensor/gpu/launch.h"
#include "tensor/out_of_memory.h"
#include "tests/gpu_standin/seen.h"

// Mistakes of the kind that shows on a card alone, or not even there, and what the stand-in says to them.
// The numbers in brackets are those of README.md.
using namespace sonograd;
using gpu_standin::says;
using gpu_standin::Seen;
using gpu_standin::seen;

namespace {

struct Restore {
  gpu_standin::Machine before = gpu_standin::machine();
  ~Restore() { gpu_standin::machine() = before; }
};

}  // namespace

TEST_CASE("why there is no gpu is said in words") {
  const Restore restore;
  gpu_standin::Machine& machine = gpu_standin::machine();
  CHECK(gpu::examine().empty());
  machine.devices = cudaErrorInsufficientDriver;
  machine.driver = 0;
  CHECK(gpu::examine() == "no NVIDIA driver is installed");
  machine.driver = 12040;
  CHECK(gpu::examine() == "the NVIDIA driver is out of date: it knows CUDA 12.4, this build needs 13.0");
  machine.devices = cudaErrorStubLibrary;
  CHECK(gpu::examine() == "no NVIDIA driver is installed, only the toolkit's stub of it");
  machine.devices = cudaErrorNoDevice;
  CHECK(gpu::examine() == "the NVIDIA driver sees no gpu");
  machine.devices = cudaSuccess;
  machine.count = 0;
  CHECK(gpu::examine() == "the NVIDIA driver sees no gpu");
  gpu::device_index() = 2;
  machine.count = 2;
  CHECK(gpu::examine() ==
        "this is process 3 of its machine, which has 2 gpus; start no more processes there than it has gpus");
  gpu::device_index() = 0;
  machine.count = 1;
  machine.major = 6;
  machine.minor = 1;
  CHECK(gpu::examine() == "the gpu has compute capability 6.1, this build needs 7.5 or more");
  machine.major = 7;
  machine.minor = 5;
  CHECK(gpu::examine().empty());
  for (const cudaError_t status : {cudaErrorNoKernelImageForDevice, cudaErrorInvalidDeviceFunction}) {
    machine.kernels = status;
    CHECK(gpu::examine() == "this build has no kernels for compute capability 7.5; build with CUDAARCHS=75");
    CHECK(cudaGetLastError() == cudaSuccess);
  }
  machine.kernels = cudaErrorUnsupportedPtxVersion;
  CHECK(gpu::examine() ==
        "this build has no kernels for compute capability 7.5, and the NVIDIA driver is too old for its PTX; "
        "build with CUDAARCHS=75, or update the driver");
  machine.kernels = cudaSuccess;
  CHECK(gpu::examine().empty());
  gpu_standin::take_faults();
}

TEST_CASE("a kernel that writes or reads past its tensor is caught") {
  Tensor x = Tensor::zeros({7}, DType::f32, Device::gpu);
  float* const to = x.mutable_gpu_data<float>();
  const Seen written = seen([&] {
    gpu::for_each(8, [=](Int i) { to[i] = 1; });
    gpu::synchronise();
  });
  CHECK(says(written, "memory of the gpu was written outside of a block"));
  x = Tensor();
  Tensor y = Tensor::zeros({7}, DType::f32, Device::gpu);
  const float* const from = y.gpu_data<float>();
  float* const sum = y.mutable_gpu_data<float>();
  gpu::for_each(1, [=](Int) { *sum = from[7]; });
  CHECK(std::isnan(y.at(0)));
}

TEST_CASE("memory is not zero when it is given out, nor as it was when it was freed [6]") {
  Tensor x = Tensor::empty({3}, DType::f32, Device::gpu);
  CHECK(std::isnan(x.at(1)));
  const float* const freed = x.gpu_data<float>();
  Tensor y = Tensor::zeros({1}, DType::f32, Device::gpu);
  float* const to = y.mutable_gpu_data<float>();
  x.fill(5);
  x = Tensor();
  gpu::for_each(1, [=](Int) { *to = *freed; });
  CHECK(std::isnan(y.item()));
}

TEST_CASE("what is read back without waiting is not there yet [23]") {
  const Tensor x = Tensor::filled({4}, 3, DType::f32, Device::gpu);
  const gpu::Pinned host(16);
  const float* const values = static_cast<const float*>(host.data());
  gpu::check(cudaMemcpyAsync(host.data(), x.gpu_data<float>(), 16, cudaMemcpyDeviceToHost, gpu::stream()),
             "copy");
  CHECK(std::isnan(values[2]));
  gpu::Event event;
  event.record();
  CHECK(!event.done());
  event.synchronise();
  CHECK(values[2] == 3);
  CHECK(event.done());
}

TEST_CASE("a pinned buffer that is written over before its copy ran gives the new values [23]") {
  Tensor x = Tensor::zeros({1}, DType::f32, Device::gpu);
  const gpu::Pinned host(4);
  *static_cast<float*>(host.data()) = 1;
  gpu::check(
      cudaMemcpyAsync(x.mutable_gpu_data<float>(), host.data(), 4, cudaMemcpyHostToDevice, gpu::stream()),
      "copy");
  *static_cast<float*>(host.data()) = 2;
  CHECK(x.item() == 2);
}

TEST_CASE("host code that follows a gpu's address ends the process [23]") {
  const Tensor x = Tensor::zeros({1}, DType::f32, Device::gpu);
  gpu::synchronise();
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    const volatile float value = *x.gpu_data<float>();
    _exit(value == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("a barrier that some threads of a block do not reach is caught") {
  for (const Int stops : {Int{0}, Int{100}, Int{gpu::block_threads - 1}}) {
    const Seen result = seen([&] {
      gpu::for_each_block(2, [=](Int, Int thread) {
        if (thread != stops) __syncthreads();
      });
      gpu::synchronise();
    });
    CHECK(says(result, "a barrier that some threads of a block do not reach"));
  }
}

TEST_CASE("a missing barrier shows in the result") {
  Tensor sums = Tensor::zeros({2}, DType::f32, Device::gpu);
  float* const to = sums.mutable_gpu_data<float>();
  gpu::for_each_block(2, [=](Int i, Int thread) {
    __shared__ float partial[gpu::block_threads];
    partial[thread] = static_cast<float>(i);
    to[i] =
        partial[(thread + 1) % gpu::block_threads];  // of which the neighbour may not have written its own
    partial[thread] = -1;
  });
  CHECK(sums.values() != std::vector<double>{0, 1});
}

TEST_CASE("handles that were destroyed, other streams and copies that do not fit are refused [21, 22]") {
  cudaStream_t stream = nullptr;
  gpu::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "create");
  gpu::check(cudaStreamDestroy(stream), "destroy");
  CHECK(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
  Tensor x = Tensor::zeros({2}, DType::f32, Device::gpu);
  float* const to = x.mutable_gpu_data<float>();
  std::vector<float> host(8);
  CHECK(says(
      seen([&] { gpu::check(cudaMemcpyAsync(to, host.data(), 8, cudaMemcpyHostToDevice, nullptr), "copy"); }),
      "legacy stream"));
  CHECK(says(seen([&] { gpu::upload(to, host.data(), 12); }), "leaves its block"));
  CHECK(
      says(seen([&] { gpu::upload(host.data(), host.data() + 4, 8); }), "kind is not that of its addresses"));
  CHECK(says(seen([&] { gpu::download(to, host.data(), 8); }), "kind is not that of its addresses"));
}

TEST_CASE("a block is freed once") {
  void* block = nullptr;
  gpu::check(cudaMalloc(&block, 64), "cudaMalloc");
  gpu::check(cudaFree(block), "cudaFree");
  CHECK(says(seen([&] { gpu::check(cudaFree(block), "cudaFree"); }), "freed before"));
}

TEST_CASE("a launch that no card takes is an error that names the op and its inputs [25]") {
  const Tensor x = Tensor::zeros({2, 3}, DType::f32, Device::gpu);
  gpu_standin::fail_call("cudaLaunchKernelEx", cudaErrorInvalidConfiguration);
  CHECK(seen([&] { relu(x); }).thrown ==
        "relu (x [2,3]): cudaLaunchKernelEx of 1 blocks: an error of the stand-in "
        "(cudaErrorInvalidConfiguration)");
  CHECK(relu(x).values()[0] == 0);  // it is not remembered
  gpu_standin::fail_call("cudaLaunchKernelEx", cudaErrorNoKernelImageForDevice);
  const std::string thrown = seen([&] { relu(x); }).thrown;
  CHECK(thrown.find("relu (x [2,3]): cudaLaunchKernelEx of 1 blocks") == 0);
  CHECK(thrown.find("lost to this process") == std::string::npos);
  CHECK(relu(x).values()[0] == 0);
}

TEST_CASE("an error that ends the process' use of the gpu says so, again and again [25]") {
  const Tensor x = Tensor::zeros({2, 3}, DType::f32, Device::gpu);
  gpu_standin::fail_call("cudaStreamSynchronize", cudaErrorIllegalAddress);
  CHECK(seen([&] { x.values(); }).thrown.find("the gpu is lost to this process, start it again") !=
        std::string::npos);
}

TEST_CASE("a kernel that reads or writes where no memory is ends all that follows, as on a card [25]") {
  const Tensor x = Tensor::zeros({2, 3}, DType::f32, Device::gpu);
  float* const astray = const_cast<float*>(x.gpu_data<float>()) + (Int{1} << 42);
  for (const bool barrier : {false, true}) {
    CAPTURE(barrier);
    gpu::for_each_block(2, [=](Int, Int thread) {
      if (barrier) __syncthreads();
      if (thread == 7) *astray = 1;
    });
    for (int again = 0; again < 2; ++again) {
      std::string said;
      try {
        again == 0 ? gpu::synchronise() : (void)relu(x);
      } catch (const Error& error) {
        said = error.what();
      }
      CHECK(said.find("(cudaErrorIllegalAddress); the gpu is lost to this process") != std::string::npos);
    }
    CHECK(says(seen([] {}), "a kernel at an address where no memory is"));  // and forgets it, for the tests
    CHECK(relu(x).values()[0] == 0);
  }
}

TEST_CASE("out of memory is an error of its own with the bytes, after which work goes on") {
  const Restore restore;
  gpu_standin::machine().memory = 1 << 20;
  const Tensor x = Tensor::zeros({1000}, DType::f32, Device::gpu);
  try {
    Tensor::zeros({1 << 20}, DType::f32, Device::gpu);
    CHECK(false);
  } catch (const OutOfMemory& error) {
    CHECK(error.asked == 4 << 20);
    CHECK(error.live >= 4096);
    CHECK(error.total == 1 << 20);
    CHECK(std::string(error.what()).find("cannot allocate 4 MiB") != std::string::npos);
  }
  CHECK(relu(x).at(3) == 0);
}
