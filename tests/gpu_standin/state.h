#pragma once
#include <sys/mman.h>
#include <chrono>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "tests/gpu_standin/standin.h"

// What runtime.cpp and memory.cpp share.
// Work on a stream waits in a queue until a call that must wait for it runs it. The memory of cudaMalloc
// cannot be read or written by the host meanwhile (mprotect): a kernel's address used by host code ends the
// process.

// What was put on a stream while it was captured, and the memory that it was given.
struct CUgraph_st {
  std::vector<std::function<bool()>> nodes;
  std::set<std::uintptr_t> blocks, pinned;
  std::vector<std::pair<void*, std::size_t>> to_host;  // copies, which a launch puts off
  std::string lost;                                    // which of these was freed since
};
struct CUgraphExec_st : CUgraph_st {
  int under_way = 0;  // launches that have not run
};
struct CUstream_st {
  std::deque<std::function<bool()>> work;  // false: a fault
  int device = 0;
  bool stuck = false;  // its first work waits for what does not come
  CUgraph_st* capture = nullptr;
  bool invalid = false;  // the capture is
  std::thread::id capturing = {};
};

namespace gpu_standin {

// Where an event was recorded: who waited for it then does so still once the event is recorded anew.
struct Point {
  CUstream_st* stream;
  bool done = false;
  int asked = 0;  // by cudaEventQuery
  std::chrono::steady_clock::time_point reached = {};
};

}  // namespace gpu_standin

struct CUevent_st {
  std::shared_ptr<gpu_standin::Point> last = {};  // none counts as done
  int device = 0;
  bool timed = false;
  CUstream_st* captured_on = nullptr;  // last recorded while this stream was captured
  bool done() const { return !last || last->done; }
};

namespace gpu_standin {

// As the environment says it to a process, before any test's code runs.
inline Machine machine_of_environment() {
  Machine machine;
  machine.count = number_of_environment("STANDIN_GPUS", machine.count);
  machine.kernels = static_cast<cudaError_t>(number_of_environment("STANDIN_KERNELS", machine.kernels));
  return machine;
}

constexpr std::size_t space = std::size_t{16} << 30, page = std::size_t{2} << 20;
struct State {
  std::recursive_mutex mutex;
  Machine machine = machine_of_environment();
  std::vector<std::string> faults;
  std::string last_fault;
  cudaError_t last = cudaSuccess, sticky = cudaSuccess;
  std::map<std::string, std::pair<int, int>> failing;  // status, calls before
  std::map<std::string, std::size_t> calls;
  std::map<std::uintptr_t, std::size_t> blocks;          // of the gpu, by address, with the bytes asked for
  std::map<std::uintptr_t, std::size_t> pinned;          // of the host
  std::map<std::size_t, std::set<std::uintptr_t>> free;  // by room, guards included
  std::size_t used = 0, top = 0, launches = 0, waits = 0;
  std::size_t freed = 0;  // and not yet taken back, guards included
  std::vector<Ordered> ordered;
  std::vector<std::string> ranges, open_ranges;
  int unlocked = 0;
  bool astray = false;  // a kernel is, since the last work that was run
  std::set<cudaStream_t> streams;
  std::set<cudaEvent_t> events;
  std::set<cudaGraph_t> graphs;  // of captures under way too
  std::set<cudaGraphExec_t> executables;
  char* const base = reserve();

 private:
  static char* reserve() {
    void* all = mmap(nullptr, space + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    std::size_t there = space + page;
    std::align(page, space, all, there);
    madvise(all, space, MADV_HUGEPAGE);  // where the system has large pages
    return static_cast<char*>(all);
  }
};
State& state();

// While one lives, the gpu's memory, or a part of it, can be read and written. In whole large pages: the
// system takes a millisecond to change a gigabyte of small ones.
class Unlocked {
 public:
  Unlocked() : Unlocked(state().base, state().top) {}
  Unlocked(char* first, std::size_t bytes)
      : first(state().base + static_cast<std::size_t>(first - state().base) / page * page),
        bytes((static_cast<std::size_t>(first - this->first) + bytes + page - 1) / page * page) {
    if (state().unlocked++ == 0) mprotect(this->first, this->bytes, PROT_READ | PROT_WRITE);
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

cudaError_t give(cudaError_t status);  // which cudaGetLastError() then gives
cudaError_t refuse(std::string text);  // a fault, as a status
cudaError_t enter(
    const char* call);  // what every call begins with: an error that ended all before, or one asked for
bool known(cudaStream_t stream);
void put(cudaStream_t stream, std::function<bool()> work);  // on it, or into what is captured of it
// Captures on this thread end in an error; false where there are none. `call` is one that they do not allow.
bool spoil_captures(const char* call);
void note_freed(std::uintptr_t address, const char* what, std::size_t bytes);
// All its work up to now, or up to that point of it. Where it gets stuck, neither is reached.
cudaError_t run(cudaStream_t stream, const Point* until = nullptr);
cudaError_t wait_for(cudaStream_t stream);  // the host does: where it gets stuck, that is a fault
int& device_of_thread();
cudaError_t run_all();
bool all_guards_hold();
void poison(void* block, std::size_t bytes);  // signalling NaNs

#define ENTER(call)                          \
  const std::lock_guard lock(state().mutex); \
  if (const cudaError_t status = enter(call); status != cudaSuccess) return status
// The same for a call that no thread may make while it captures.
#define ENTER_OUTSIDE_OF_CAPTURES(call) \
  ENTER(call);                          \
  if (spoil_captures(call)) return give(cudaErrorStreamCaptureUnsupported)

}  // namespace gpu_standin
