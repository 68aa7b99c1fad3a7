#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "tensor/arena.h"
#include "tensor/gpu_runtime.h"

namespace sonograd::gpu {
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

// SONOGRAD_GPU_POOL=0 gives each tensor memory of its own, so that compute-sanitizer sees accesses past its
// end.
bool pooled() {
  static const bool on = [] {
    const char* const set = std::getenv("SONOGRAD_GPU_POOL");
    return !set || std::string_view(set) != "0";
  }();
  return on;
}

// Null where there is not as much. Throws for any other fault.
void* from_system(Int bytes) {
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, static_cast<std::size_t>(bytes));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "cudaMalloc", fmt::format("{} bytes", bytes));
  return block;
}

// Another chunk of at least `bytes`: a large one as long as there is room, so that there are few. What lies
// free in whole chunks goes back to the system where nothing else helps.
bool grow(Arena& arena, Int bytes) {
  constexpr Int large = Int{256} << 20;
  const auto add = [&](Int size) {
    void* const block = from_system(size);
    if (block) arena.add_apart({reinterpret_cast<std::uintptr_t>(block), size});
    return block != nullptr;
  };
  if (add(std::max(bytes, large)) || add(bytes)) return true;
  for (const Arena::Chunk& chunk : arena.remove_free_chunks())
    check(cudaFree(reinterpret_cast<void*>(chunk.address)),  // NOLINT(performance-no-int-to-ptr)
          "cudaFree", fmt::format("{} bytes", chunk.bytes));
  return add(bytes);
}

[[noreturn]] void fail(Int bytes, Int live) {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  throw OutOfMemory(bytes, live, static_cast<Int>(total));
}

}  // namespace

void* allocate(Int bytes) {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  if (!pooled()) {
    void* const block = from_system(std::max<Int>(bytes, 1));
    if (!block) fail(bytes, m.arena.live());
    m.arena.count(m.arena.rounded(bytes));
    return block;
  }
  bytes = m.arena.rounded(bytes);
  if (void* const block = m.arena.take(bytes)) return block;
  if (!grow(m.arena, bytes)) fail(bytes, m.arena.live());
  return m.arena.take(bytes);
}

void release(void* block, Int bytes) noexcept {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  bytes = m.arena.rounded(bytes);
  if (pooled()) return m.arena.give(block, bytes);
  m.arena.count(-bytes);
  cudaFree(block);
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

}  // namespace sonograd::gpu
