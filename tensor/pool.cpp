#include "tensor/pool.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <set>

#include "tensor/error.h"

namespace sonograd::pool {
namespace {

struct Arena {
  std::mutex mutex;
  std::map<std::uintptr_t, Int> blocks;            // free blocks by address
  std::set<std::pair<Int, std::uintptr_t>> sizes;  // the same by size, lowest address first
  Int live = 0, peak = 0;

  void insert(std::uintptr_t address, Int bytes) {
    blocks.emplace(address, bytes);
    sizes.emplace(bytes, address);
  }
  void erase(std::map<std::uintptr_t, Int>::iterator block) {
    sizes.erase({block->second, block->first});
    blocks.erase(block);
  }
};

// Never destroyed: tensors with static lifetime may return their blocks after main.
Arena& arena() {
  static Arena* const the_arena = new Arena;
  return *the_arena;
}

Int rounded(Int bytes) {
  return (std::max<Int>(bytes, 1) + alignment - 1) / alignment * alignment;
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
  throw Error(
      "out of memory: cannot allocate {} MiB beside {} MiB in use, the machine has {} MiB; use a smaller "
      "batch or smaller images",
      bytes >> 20, live >> 20, machine_bytes() >> 20);
}

void count(Arena& a, Int bytes) {
  a.live += bytes;
  a.peak = std::max(a.peak, a.live);
}

// Address space in large pieces; pages count only once they are written to.
[[maybe_unused]] std::pair<std::uintptr_t, Int> map_chunk(Int bytes, Int live) {
  constexpr Int least = Int{1} << 30;
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
  Arena& a = arena();
  const std::lock_guard lock(a.mutex);
  if (bytes > machine_bytes() - a.live) fail(bytes, a.live);
  bytes = rounded(bytes);
#ifdef SONOGRAD_SANITIZED
  // A block of its own from the system, so that every block has guard words.
  void* const block = std::aligned_alloc(alignment, static_cast<std::size_t>(bytes));
  if (!block) fail(bytes, a.live);
  count(a, bytes);
  return block;
#else
  auto fit = a.sizes.lower_bound({bytes, 0});
  if (fit == a.sizes.end()) {
    const auto chunk = map_chunk(bytes, a.live);
    a.insert(chunk.first, chunk.second);
    fit = a.sizes.lower_bound({bytes, 0});
  }
  const auto [size, address] = *fit;
  a.erase(a.blocks.find(address));
  count(a, bytes);
  if (size > bytes) a.insert(address + static_cast<std::uintptr_t>(bytes), size - bytes);
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): addresses are added to
#endif
}

void release(void* block, Int bytes) noexcept {
  bytes = rounded(bytes);
  Arena& a = arena();
  const std::lock_guard lock(a.mutex);
  a.live -= bytes;
#ifdef SONOGRAD_SANITIZED
  std::free(block);
#else
  auto address = reinterpret_cast<std::uintptr_t>(block);
  auto next = a.blocks.lower_bound(address);
  if (next != a.blocks.end() && address + static_cast<std::uintptr_t>(bytes) == next->first) {
    bytes += next->second;
    a.erase(next++);
  }
  if (next != a.blocks.begin()) {
    const auto before = std::prev(next);
    if (before->first + static_cast<std::uintptr_t>(before->second) == address) {
      address = before->first;
      bytes += before->second;
      a.erase(before);
    }
  }
  a.insert(address, bytes);
#endif
}

Int live_bytes() {
  const std::lock_guard lock(arena().mutex);
  return arena().live;
}

Int peak_bytes() {
  const std::lock_guard lock(arena().mutex);
  return arena().peak;
}

void reset_peak() {
  const std::lock_guard lock(arena().mutex);
  arena().peak = arena().live;
}

}  // namespace sonograd::pool
