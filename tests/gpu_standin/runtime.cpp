#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "tests/gpu_standin/standin.h"

// Work on a stream waits in a queue until a call that must wait for it runs it. The memory of cudaMalloc
// cannot be read or written by the host meanwhile (mprotect): a kernel's address used by host code ends the
// process.
struct CUevent_st {
  bool done = true;  // never recorded counts as done
  CUstream_st* stream = nullptr;
};
struct CUstream_st {
  std::deque<std::function<bool()>> work;  // false: a fault
};

namespace gpu_standin {
namespace {

constexpr std::size_t guard = 256, space = std::size_t{16} << 30;
constexpr std::uint32_t signalling_nan = 0x7FA00000;

struct State {
  std::recursive_mutex mutex;
  Machine machine;
  std::vector<std::string> faults;
  std::string last_fault;
  cudaError_t last = cudaSuccess, sticky = cudaSuccess;
  std::map<std::string, std::pair<cudaError_t, int>> failing;
  std::map<std::uintptr_t, std::size_t> blocks;          // of the gpu, by address, with the bytes asked for
  std::map<std::uintptr_t, std::size_t> pinned;          // of the host
  std::map<std::size_t, std::set<std::uintptr_t>> free;  // by room, guards included
  std::size_t used = 0, top = 0, launches = 0;
  int unlocked = 0;
  std::set<cudaStream_t> streams;
  std::set<cudaEvent_t> events;
  char* const base =
      static_cast<char*>(mmap(nullptr, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
};
State& state() {
  static State* const the_state = new State;
  return *the_state;
}

// While one lives, the gpu's memory, or a part of it, can be read and written.
class Unlocked {
 public:
  Unlocked() : Unlocked(state().base, state().top) {}
  Unlocked(char* first, std::size_t bytes) : first(first), bytes(bytes) {
    if (state().unlocked++ == 0) mprotect(first, bytes, PROT_READ | PROT_WRITE);
  }
  ~Unlocked() {
    if (--state().unlocked == 0) mprotect(first, bytes, PROT_NONE);
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  char* first;
  std::size_t bytes;
};

cudaError_t give(cudaError_t status) {
  if (status != cudaSuccess) state().last = status;
  return status;
}
cudaError_t refuse(std::string text) {
  fault(std::move(text));
  return give(cudaErrorUnknown);
}

// What every call begins with: an error that ended all before, or one that a test asked for.
cudaError_t enter(const char* call) {
  State& s = state();
  if (s.machine.devices != cudaSuccess) return give(s.machine.devices);
  if (s.sticky != cudaSuccess) return s.sticky;
  const auto failing = s.failing.find(call);
  if (failing == s.failing.end() || failing->second.second-- > 0) return cudaSuccess;
  const cudaError_t status = failing->second.first;
  s.failing.erase(failing);
  return give(status);
}
#define ENTER(call)                          \
  const std::lock_guard lock(state().mutex); \
  if (const cudaError_t status = enter(call); status != cudaSuccess) return status

std::size_t whole(std::size_t bytes) {
  return (bytes + 2 * guard + guard - 1) / guard * guard;
}
// In few sizes, so that memory is used again and few pages change their protection.
std::size_t room(std::size_t bytes) {
  return std::bit_ceil(std::max<std::size_t>(whole(bytes), 4096));
}
void poison(void* block, std::size_t bytes) {
  auto* const bytes_of = static_cast<unsigned char*>(block);
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) std::memcpy(bytes_of + i, &signalling_nan, 4);
}
bool poisoned(const char* block, std::size_t bytes) {
  for (std::size_t i = 0; i + 4 <= bytes; i += 4)
    if (std::memcmp(block + i, &signalling_nan, 4) != 0) return false;
  return true;
}

// The words before and behind a block of the gpu must be as they were.
bool guards_hold(std::uintptr_t address, std::size_t bytes) {
  const char* const block = reinterpret_cast<const char*>(address);  // NOLINT(performance-no-int-to-ptr)
  const std::size_t filled = (bytes + 3) / 4 * 4;
  return poisoned(block - guard, guard) && poisoned(block + filled, whole(bytes) - guard - filled);
}
bool all_guards_hold() {
  for (const auto& [address, bytes] : state().blocks)
    if (!guards_hold(address, bytes)) {
      fault("memory of the gpu was written outside of a block of " + std::to_string(bytes) + " bytes");
      return false;
    }
  return true;
}

bool inside(const std::map<std::uintptr_t, std::size_t>& blocks, const void* first, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(first);
  auto next = blocks.upper_bound(address);
  if (next == blocks.begin()) return false;
  --next;
  return address + bytes <= next->first + next->second;
}
bool of_gpu(const void* address) {
  const char* const a = static_cast<const char*>(address);
  return state().base <= a && a < state().base + space;
}

// All work of the stream up to now.
cudaError_t run(cudaStream_t stream) {
  if (stream->work.empty()) return cudaSuccess;
  const Unlocked open;
  bool good = true;
  while (good && !stream->work.empty()) {
    const std::function<bool()> next = std::move(stream->work.front());
    stream->work.pop_front();
    good = next();
  }
  good = all_guards_hold() && good;
  if (good) return cudaSuccess;
  state().sticky = cudaErrorLaunchFailure;
  return give(cudaErrorLaunchFailure);
}
cudaError_t run_all() {
  for (const cudaStream_t stream : state().streams)
    if (const cudaError_t status = run(stream); status != cudaSuccess) return status;
  return cudaSuccess;
}
bool known(cudaStream_t stream) {
  return state().streams.count(stream) > 0;
}

}  // namespace

Machine& machine() {
  return state().machine;
}
void fault(std::string text) {
  state().last_fault = "stand-in: " + text;
  state().faults.push_back(std::move(text));
}
std::vector<std::string> take_faults() {
  state().sticky = state().last = cudaSuccess;
  return std::exchange(state().faults, {});
}
void fail_call(const std::string& name, cudaError_t status, int passing) {
  state().failing[name] = {status, passing};
}
std::size_t live_blocks() {
  return state().blocks.size();
}
std::size_t launches() {
  return state().launches;
}

cudaError_t launch(const cudaLaunchConfig_t& config, std::size_t argument_bytes,
                   std::function<void()> thread) {
  ENTER("cudaLaunchKernelEx");
  if (!known(config.stream)) return refuse("a kernel on a stream that is none, or on the legacy stream");
  const dim3 grid = config.gridDim, block = config.blockDim;
  // Grids and blocks of one axis are all that this knows. Limits: "Compute Capabilities", table of technical
  // specifications.
  if (grid.x == 0 || grid.x > 0x7FFFFFFFu || block.x == 0 || block.x > 1024)
    return give(cudaErrorInvalidConfiguration);
  if (grid.y != 1 || grid.z != 1 || block.y != 1 || block.z != 1 || config.dynamicSmemBytes != 0)
    return refuse("a grid or block of several axes, or dynamic shared memory");
  if (argument_bytes > 4096) return refuse("kernel arguments of more than 4096 bytes");
  ++state().launches;
  config.stream->work.push_back(
      [grid, block, thread = std::move(thread)] { return run_grid(grid, block, thread); });
  return cudaSuccess;
}

}  // namespace gpu_standin

using namespace gpu_standin;

const char* cudaGetErrorString(cudaError_t status) {
  if (status == cudaErrorUnknown) return state().last_fault.c_str();
  return status == cudaErrorMemoryAllocation ? "out of memory" : "an error of the stand-in";
}
const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    default:
      return "cudaErrorUnknown";
  }
}
cudaError_t cudaGetLastError() {
  const cudaError_t status = state().last;
  state().last = state().sticky;
  return status;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  ENTER("cudaGetDeviceCount");
  *count = machine().count;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  ENTER("cudaDeviceGetAttribute");
  // Few multiprocessors, so that kernels take several rounds on small tensors too.
  *value = attribute == cudaDevAttrMultiProcessorCount      ? 1
           : attribute == cudaDevAttrComputeCapabilityMajor ? machine().major
                                                            : machine().minor;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  ENTER("cudaGetDeviceProperties");
  *properties = {"stand-in", machine().memory, machine().major, machine().minor};
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  ENTER("cudaMalloc");
  State& s = state();
  *block = nullptr;
  if (bytes == 0) return cudaSuccess;
  const std::size_t all = room(bytes);
  if (s.used + bytes > s.machine.memory) return give(cudaErrorMemoryAllocation);
  auto& list = s.free[all];
  char* start = nullptr;
  if (!list.empty()) {
    start = reinterpret_cast<char*>(*list.begin());  // NOLINT(performance-no-int-to-ptr)
    list.erase(list.begin());
  } else {
    if (s.top + all > space) return give(cudaErrorMemoryAllocation);
    start = s.base + s.top;
    s.top += all;
  }
  const Unlocked open(start, all);
  poison(start, whole(bytes));
  *block = start + guard;
  s.used += bytes;
  s.blocks.emplace(reinterpret_cast<std::uintptr_t>(*block), bytes);
  return cudaSuccess;
}

cudaError_t cudaFree(void* block) {
  ENTER("cudaFree");
  if (!block) return cudaSuccess;
  State& s = state();
  const auto found = s.blocks.find(reinterpret_cast<std::uintptr_t>(block));
  if (found == s.blocks.end()) {
    fault("cudaFree of what is no block, or was freed before");
    return give(cudaErrorInvalidValue);
  }
  if (const cudaError_t status = run_all(); status != cudaSuccess) return status;
  const Unlocked open(static_cast<char*>(block) - guard, room(found->second));
  poison(static_cast<char*>(block) - guard, whole(found->second));
  s.free[room(found->second)].insert(found->first - guard);
  s.used -= found->second;
  s.blocks.erase(found);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** block, std::size_t bytes) {
  ENTER("cudaMallocHost");
  *block = ::operator new(bytes);
  poison(*block, bytes);
  state().pinned.emplace(reinterpret_cast<std::uintptr_t>(*block), bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* block) {
  ENTER("cudaFreeHost");
  if (!block) return cudaSuccess;
  if (state().pinned.erase(reinterpret_cast<std::uintptr_t>(block)) == 0)
    return refuse("cudaFreeHost of what is not pinned");
  if (const cudaError_t status = run_all(); status != cudaSuccess) return status;
  ::operator delete(block);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  ENTER("cudaMemGetInfo");
  *total = machine().memory;
  *free = *total - state().used;
  return cudaSuccess;
}

// "API synchronization behavior": from pageable memory the source is consumed at the call; to pageable memory
// the call waits; with pinned memory either goes on by itself.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  ENTER("cudaMemcpyAsync");
  State& s = state();
  if (!known(stream)) return refuse("a copy on a stream that is none, or on the legacy stream");
  const bool to_gpu = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_gpu = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyHostToHost || of_gpu(to) != to_gpu || of_gpu(from) != from_gpu) {
    fault("a copy whose kind is not that of its addresses");
    return give(cudaErrorInvalidMemcpyDirection);
  }
  if ((to_gpu && !inside(s.blocks, to, bytes)) || (from_gpu && !inside(s.blocks, from, bytes))) {
    fault("a copy of " + std::to_string(bytes) + " bytes that leaves its block of the gpu");
    return give(cudaErrorInvalidValue);
  }
  const auto later = [&](const void* source) {
    stream->work.push_back([=] {
      std::memmove(to, source, bytes);
      return true;
    });
  };
  if (kind == cudaMemcpyHostToDevice && !inside(s.pinned, from, bytes)) {
    const auto staged = std::make_shared<std::vector<char>>(static_cast<const char*>(from),
                                                            static_cast<const char*>(from) + bytes);
    stream->work.push_back([=] {
      std::memcpy(to, staged->data(), bytes);
      return true;
    });
    return cudaSuccess;
  }
  later(from);
  if (kind != cudaMemcpyDeviceToHost) return cudaSuccess;
  if (!inside(s.pinned, to, bytes)) return run(stream);
  poison(to, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  ENTER("cudaStreamCreateWithFlags");
  if (flags != cudaStreamNonBlocking) return refuse("a stream that the legacy stream waits for");
  *stream = *state().streams.insert(new CUstream_st).first;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  ENTER("cudaStreamDestroy");
  if (!known(stream)) return give(cudaErrorInvalidResourceHandle);
  const cudaError_t status = run(stream);
  state().streams.erase(stream);
  delete stream;
  return status;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ENTER("cudaStreamSynchronize");
  if (!known(stream)) return give(cudaErrorInvalidResourceHandle);
  return run(stream);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  ENTER("cudaEventCreateWithFlags");
  if (flags != cudaEventDisableTiming) return refuse("an event that times");
  *event = *state().events.insert(new CUevent_st).first;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  ENTER("cudaEventDestroy");
  if (state().events.erase(event) == 0) return give(cudaErrorInvalidResourceHandle);
  if (event->stream && known(event->stream)) run(event->stream);
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  ENTER("cudaEventRecord");
  if (state().events.count(event) == 0 || !known(stream)) return give(cudaErrorInvalidResourceHandle);
  event->done = false;
  event->stream = stream;
  stream->work.push_back([event] { return event->done = true; });
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  ENTER("cudaEventSynchronize");
  if (state().events.count(event) == 0) return give(cudaErrorInvalidResourceHandle);
  return event->done ? cudaSuccess : run(event->stream);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  ENTER("cudaEventQuery");
  if (state().events.count(event) == 0) return give(cudaErrorInvalidResourceHandle);
  return event->done ? cudaSuccess : give(cudaErrorNotReady);
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  ENTER("cudaStreamWaitEvent");
  if (state().events.count(event) == 0 || !known(stream)) return give(cudaErrorInvalidResourceHandle);
  if (!event->done && event->stream != stream)
    stream->work.push_back([event] { return event->done || run(event->stream) == cudaSuccess; });
  return cudaSuccess;
}
