#include "tensor/gpu/runtime.h"

#include <chrono>
#include <thread>

#include "tensor/gpu/cublas.h"
#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/lost.h"

namespace sonograd::gpu {
namespace {

// 1300 is 13.0
std::string cuda_version(int number) {
  return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

constexpr int oldest = 75;  // compute capability that CUDA 13 makes code for

// Errors after which every later call fails, until the process ends: addresses, launches, hardware.
bool ends_all(cudaError_t status) {
  return status == cudaErrorIllegalAddress || status == cudaErrorLaunchTimeout || status == cudaErrorAssert ||
         (status >= cudaErrorHardwareStackError && status <= cudaErrorLaunchFailure);
}
const char* lost_by(cudaError_t status) {
  return ends_all(status) ? "; the gpu is lost to this process, start it again" : "";
}

std::string explain(cudaError_t status) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  switch (status) {
    case cudaErrorInsufficientDriver:
      if (driver == 0) return "no NVIDIA driver is installed";
      return fmt::format("the NVIDIA driver is out of date: it knows CUDA {}, this build needs {}",
                         cuda_version(driver), cuda_version(runtime));
    case cudaErrorStubLibrary:
      return "no NVIDIA driver is installed, only the toolkit's stub of it";
    case cudaErrorNoDevice:
      return "the NVIDIA driver sees no gpu";
    default:
      return fmt::format("the gpu cannot be used: {} ({})", cudaGetErrorString(status),
                         cudaGetErrorName(status));
  }
}

std::string explain_kernels(cudaError_t status, int major, int minor) {
  switch (status) {
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorNoKernelImageForDevice:
      return fmt::format(
          "this build has no kernels for compute capability {0}.{1}; build with CUDAARCHS={0}{1}", major,
          minor);
    case cudaErrorUnsupportedPtxVersion:
      return fmt::format(
          "this build has no kernels for compute capability {0}.{1}, and the NVIDIA driver is too old for "
          "its "
          "PTX; build with CUDAARCHS={0}{1}, or update the driver",
          major, minor);
    default:
      return explain(status);
  }
}

// What is wrong with the libraries that ops open when they are first called; empty where nothing is.
std::string examine_libraries() {
  try {
    cublas::open();  // first: cuDNN asks the loader for it by its name, which an open one answers to
    cudnn::functions();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

int attribute(cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device_index()), "cudaDeviceGetAttribute");
  return value;
}

}  // namespace

void check(cudaError_t status, const char* call, Amount about) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // else the next call would report it once more
  const std::string of = about.unit ? fmt::format(" of {} {}", about.number, about.unit) : "";
  throw Failure("{}{}: {} ({}){}", call, of, cudaGetErrorString(status), cudaGetErrorName(status),
                lost_by(status));
}

// By a call that each such error shows at and that waits for nothing.
std::string lost() {
  std::size_t free = 0, total = 0;
  const cudaError_t status = cudaMemGetInfo(&free, &total);
  cudaGetLastError();
  return lost_by(status);
}

std::string examine() {
  int devices = 0;
  cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess && devices == 0) status = cudaErrorNoDevice;
  if (status == cudaSuccess && device_index() >= devices)
    return fmt::format(
        "this is process {} of its machine, which has {} gpu{}; start no more processes there than it has "
        "gpus",
        device_index() + 1, devices, devices == 1 ? "" : "s");
  int major = 0, minor = 0;
  if (status == cudaSuccess)
    status = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device_index());
  if (status == cudaSuccess)
    status = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device_index());
  if (status == cudaSuccess) status = cudaSetDevice(device_index());
  if (status == cudaSuccess) status = cudaFree(nullptr);  // makes the context
  if (status != cudaSuccess) {
    cudaGetLastError();
    return explain(status);
  }
  if (10 * major + minor < oldest)
    return fmt::format("the gpu has compute capability {}.{}, this build needs {}.{} or more", major, minor,
                       oldest / 10, oldest % 10);
  status = find_kernels();
  if (status != cudaSuccess) {
    cudaGetLastError();
    return explain_kernels(status, major, minor);
  }
  return examine_libraries();
}

const std::string& why_not() {
  static const std::string why = examine();
  return why;
}

std::string description() {
  cudaDeviceProp device{};
  int driver = 0;
  check(cudaGetDeviceProperties(&device, device_index()), "cudaGetDeviceProperties");
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  return fmt::format("{}, compute capability {}.{}, {} MiB, driver for CUDA {}", device.name, device.major,
                     device.minor, device.totalGlobalMem >> 20, cuda_version(driver));
}

void use_our_gpu() {
  thread_local const bool ours = (check(cudaSetDevice(device_index()), "cudaSetDevice"), true);
  static_cast<void>(ours);
}

cudaStream_t stream() {
  use_our_gpu();
  static cudaStream_t const the_stream = [] {
    cudaStream_t made = nullptr;
    check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    return made;  // lives as long as the process: tensors with static lifetime use it
  }();
  return the_stream;
}

int multiprocessors() {
  static const int count = attribute(cudaDevAttrMultiProcessorCount);
  return count;
}

std::function<void()>& while_waiting() {
  static std::function<void()> asked;
  return asked;
}

Event::Event(Kind kind) {
  use_our_gpu();
  check(cudaEventCreateWithFlags(&event, kind == Kind::timed ? cudaEventDefault : cudaEventDisableTiming),
        "cudaEventCreateWithFlags");
}
Event::~Event() {
  cudaEventDestroy(event);
}
void Event::record(cudaStream_t on) {
  check(cudaEventRecord(event, on), "cudaEventRecord");
}
void Event::hold_back(cudaStream_t other) const {
  check(cudaStreamWaitEvent(other, event), "cudaStreamWaitEvent");
}
void Event::synchronise() const {
  if (!while_waiting()) return check(cudaEventSynchronize(event), "cudaEventSynchronize");
  while (!done()) {
    while_waiting()();
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}
bool Event::done() const {
  const cudaError_t status = cudaEventQuery(event);
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  check(status, "cudaEventQuery");
  return true;
}
double Event::seconds_since(const Event& earlier) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, earlier.event, event), "cudaEventElapsedTime");
  return 1e-3 * static_cast<double>(milliseconds);
}

Pinned::Pinned(Int bytes) : bytes_(bytes) {
  use_our_gpu();
  check(cudaMallocHost(&block, static_cast<std::size_t>(bytes)), "cudaMallocHost", {bytes, "bytes"});
}
Pinned::~Pinned() {
  cudaFreeHost(block);
}

void download(void* to, const void* from, Int bytes) {
  if (bytes == 0) return;
  if (while_waiting()) synchronise();  // the copy itself would wait for all before it, and ask nothing
  check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream()),
        "cudaMemcpyAsync", {bytes, "bytes from the gpu"});
  synchronise();
}

void synchronise() {
  if (while_waiting()) {
    Event all;
    all.record();
    return all.synchronise();
  }
  check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
}

}  // namespace sonograd::gpu
