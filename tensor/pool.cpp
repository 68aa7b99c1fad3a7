#include "tensor/pool.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <mutex>

#include "tensor/arena.h"
#include "tensor/out_of_memory.h"

namespace sonograd::pool {
namespace {

// Never destroyed: tensors with static lifetime may return their blocks after main.
struct Memory {
  std::mutex mutex;
  Arena arena{alignment};
};
Memory& memory() {
  static Memory* const the_memory = new Memory;
  return *the_memory;
}

// A container's limit (Linux control groups, version 2); the largest number where there is none.
Int group_limit() {
  std::ifstream file("/sys/fs/cgroup/memory.max");
  Int bytes = 0;
  return file >> bytes ? bytes : std::numeric_limits<Int>::max();
}

// Memory, as much as a container may have, and swap of the machine. Pages count once they are written to, so
// the system itself promises more and then kills the process.
Int machine_bytes() {
  static const Int bytes = [] {
    struct sysinfo machine {};
    sysinfo(&machine);
    const auto memory = static_cast<Int>(machine.totalram * machine.mem_unit);
    return std::min(memory, group_limit()) + static_cast<Int>(machine.totalswap * machine.mem_unit);
  }();
  return bytes;
}

[[noreturn]] void fail(Int bytes, Int live) {
  throw OutOfMemory(Device::cpu, bytes, live, machine_bytes());
}

// Address space, most often all that is ever needed in one piece, whose blocks can then all be joined again;
// pages count only once they are written to.
[[maybe_unused]] Arena::Chunk map_chunk(Int bytes, Int live) {
  constexpr Int least = Int{1} << 36;
  for (Int size = std::max(bytes, least); size >= bytes;
       size = size > bytes ? std::max(bytes, size / 4) : 0) {
    void* const chunk = mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (chunk == MAP_FAILED) continue;
    madvise(chunk, static_cast<std::size_t>(size), MADV_HUGEPAGE);
    return {reinterpret_cast<std::uintptr_t>(chunk), size};
  }
  fail(bytes, live);
}

}  // namespace

void* allocate(Int bytes) {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  const Int live = m.arena.live();
  if (bytes > machine_bytes() - live) fail(bytes, live);
  bytes = m.arena.rounded(bytes);
#ifdef SONOGRAD_SANITIZED
  // A block of its own from the system, so that every block has guard words.
  void* const block = std::aligned_alloc(alignment, static_cast<std::size_t>(bytes));
  if (!block) fail(bytes, live);
  m.arena.count(bytes);
  return block;
#else
  if (void* const block = m.arena.take(bytes)) return block;
  m.arena.add(map_chunk(bytes, live));
  return m.arena.take(bytes);
#endif
}

void release(void* block, Int bytes) noexcept {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  bytes = m.arena.rounded(bytes);
#ifdef SONOGRAD_SANITIZED
  m.arena.count(-bytes);
  std::free(block);
#else
  m.arena.give(block, bytes);
#endif
}

Int live_bytes() {
  const std::lock_guard lock(memory().mutex);
  return memory().arena.live();
}

Int peak_bytes() {
  const std::lock_guard lock(memory().mutex);
  return memory().arena.peak();
}

void reset_peak() {
  const std::lock_guard lock(memory().mutex);
  memory().arena.reset_peak();
}

}  // namespace sonograd::pool
