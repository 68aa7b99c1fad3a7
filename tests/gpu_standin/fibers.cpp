#include <csetjmp>
#include <csignal>

#include <exception>
#include <memory>
#include <vector>

#include <ucontext.h>

#include "tests/gpu_standin/state.h"

// [guide] Synchronization Functions: all threads of a block reach a barrier, or none. Thread Hierarchy,
// Memory Hierarchy: blocks and threads run in any order.
//
// The threads of a block as fibers: one runs until it reaches a barrier, then the next, and once all wait
// there the first goes on. Blocks, and threads between two barriers, run in the given order and in the
// reverse one by turns, so that a kernel that rests on an order gives other numbers.
namespace gpu_standin {
namespace {

constexpr std::size_t stack_bytes = 64 * 1024;

// A fiber lives on from kernel to kernel. It is entered once by ucontext.h, which costs system calls, and
// then left and entered by setjmp.h.
struct Fiber {
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(stack_bytes);
  ucontext_t first{};
  std::jmp_buf here{};
  bool begun = false, ended = false;
};

std::jmp_buf scheduler;
Fiber* running = nullptr;  // null: threads run without a fiber, where a barrier is a fault
const std::function<void()>* work = nullptr;
bool faulted = false;
std::vector<std::unique_ptr<Fiber>> fibers;
bool reversed = false;

struct MissedBarrier {};

void leave() {
  Fiber& self = *running;
  if (_setjmp(self.here) == 0) _longjmp(scheduler, 1);
}

void body() {
  while (true) {
    (*work)();
    running->ended = true;
    leave();
  }
}

void enter(Fiber& fiber) {
  if (fiber.begun) _longjmp(fiber.here, 1);
  fiber.begun = true;
  getcontext(&fiber.first);
  fiber.first.uc_stack.ss_sp = fiber.stack.get();
  fiber.first.uc_stack.ss_size = stack_bytes;
  makecontext(&fiber.first, body, 0);
  setcontext(&fiber.first);
}

// Runs the thread to its next barrier or its end.
void resume(Fiber& fiber, unsigned thread) {
  threadIdx.x = thread;
  running = &fiber;
  fiber.ended = false;
  if (_setjmp(scheduler) == 0) enter(fiber);
  running = nullptr;
}

void note(const char* text) {
  if (!faulted) fault(text);
  faulted = true;
}

void run_block(unsigned threads) {
  while (fibers.size() < threads) fibers.push_back(std::make_unique<Fiber>());
  const auto place = [&](unsigned k) { return reversed ? threads - 1 - k : k; };
  resume(*fibers[0], place(0));
  if (fibers[0]->ended) {  // a kernel without barriers
    for (unsigned k = 1; k < threads; ++k) {
      threadIdx.x = place(k);
      (*work)();
    }
    return;
  }
  for (unsigned k = 1; k < threads; ++k) resume(*fibers[k], place(k));
  while (true) {
    unsigned ended = 0;
    for (unsigned k = 0; k < threads; ++k) ended += fibers[k]->ended;
    if (ended == threads) return;
    if (ended > 0) {
      fibers.clear();  // some are in the middle of a kernel
      return note("a barrier that some threads of a block do not reach");
    }
    for (unsigned k = 0; k < threads; ++k) resume(*fibers[k], place(k));
  }
}

void run_blocks() {
  try {
    for (unsigned k = 0; k < gridDim.x && !faulted; ++k) {
      blockIdx.x = reversed ? gridDim.x - 1 - k : k;
      run_block(blockDim.x);
    }
  } catch (const MissedBarrier&) {
    note("a barrier that some threads of a block do not reach");
  }
}

sigjmp_buf out_of_kernel;
void leave_kernel(int) {
  siglongjmp(out_of_kernel, 1);
}

// While one lives, the system's word that there is no memory at an address ends the kernel, not the process.
class Guarded {
 public:
  Guarded() {
    struct sigaction ours = {};
    ours.sa_handler = leave_kernel;
    ours.sa_flags = SA_NODEFER;
    for (std::size_t i = 0; i < 2; ++i) sigaction(signals[i], &ours, &before[i]);
  }
  ~Guarded() {
    for (std::size_t i = 0; i < 2; ++i) sigaction(signals[i], &before[i], nullptr);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

 private:
  static constexpr int signals[] = {SIGSEGV, SIGBUS};
  struct sigaction before[2] = {};
};

}  // namespace

bool run_grid(dim3 grid, dim3 block, const std::function<void()>& thread) {
  work = &thread;
  faulted = false;
  gridDim = grid;
  blockDim = block;
  const Guarded guarded;
  if (sigsetjmp(out_of_kernel, 0) == 0) {
    run_blocks();
  } else {
    fibers.clear();  // some are in the middle of the kernel
    running = nullptr;
    state().astray = true;
    note("a kernel at an address where no memory is");
  }
  reversed = !reversed;
  return !faulted;
}

}  // namespace gpu_standin

// Each look takes long.
long long clock64() {
  static long long now = 0;
  return now += 100'000;
}
void __syncthreads() {
  using namespace gpu_standin;
  if (!running) throw MissedBarrier();
  leave();
}
