#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "tensor/arena.h"
#include "tensor/gpu/graph.h"
#include "tensor/gpu/graph_memory.h"
#include "tensor/gpu/runtime.h"
#include "tensor/out_of_memory.h"

namespace sonograd::gpu {

struct GraphMemory::Parts {
  struct Live {
    Int bytes;
    Mode mode;  // that gave the block out
  };
  Arena arena{alignment};               // what a rehearsal takes its blocks from
  std::vector<Arena::Chunk> given;      // by the rehearsal, in the order of the calls
  std::size_t next = 0;                 // of these, that the recording is to get
  std::map<std::uintptr_t, Live> live;  // blocks that tensors hold, by address
  bool gone = false;                    // the graph is

  void* rehearsed(Int bytes);
  void* again(Int bytes);
};

namespace {

// Never destroyed: tensors with static lifetime may return their blocks after main.
struct Memory {
  std::mutex mutex;
  Arena arena{alignment};
  cudaStream_t stream = nullptr;                               // on which blocks are filled
  std::vector<std::shared_ptr<GraphMemory::Parts>> of_graphs;  // while they live or tensors hold some of it
};
Memory& memory() {
  static Memory* const the_memory = new Memory;
  return *the_memory;
}

// SONOGRAD_GPU_POOL=0 gives each tensor memory of its own, so that compute-sanitizer sees accesses past its
// end; =nan fills blocks of the pool with NaN as they are given out and as they come back, so that a use
// before the first write or after the release shows in the numbers.
bool pool_is(std::string_view how) {
  const char* const set = std::getenv("SONOGRAD_GPU_POOL");
  return set && set == how;
}
bool pooled() {
  static const bool on = !pool_is("0");
  return on;
}
bool fills() {
  static const bool on = pool_is("nan");
  return on;
}

cudaError_t fill_with_nan(const Memory& m, void* block, Int bytes) {
  if (!fills()) return cudaSuccess;
  return cudaMemsetAsync(block, 0xFF, static_cast<std::size_t>(m.arena.rounded(bytes)), m.stream);
}

// Null where there is not as much. Throws for any other fault.
void* from_system(Int bytes) {
  use_our_gpu();
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, static_cast<std::size_t>(bytes));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "cudaMalloc", {bytes, "bytes"});
  return block;
}

// Another chunk of at least `bytes`: as long as there is room, as much as the arena holds already, so that
// there are few, and that little work, such as each of several graphs', holds little. What lies free of
// `spare`, the pool, in whole chunks goes back to the system where nothing else helps.
bool grow(Arena& arena, Int bytes, Arena& spare) {
  const Int large = pooled() ? std::clamp(arena.held(), Int{16} << 20, Int{256} << 20) : bytes;
  const auto add = [&](Int size) {
    void* const block = from_system(size);
    if (block) arena.add_apart({reinterpret_cast<std::uintptr_t>(block), size});
    return block != nullptr;
  };
  if (add(std::max(bytes, large)) || add(bytes)) return true;
  cudaError_t status = cudaSuccess;  // of all: what is not told of here is lost
  for (const Arena::Chunk& chunk : spare.remove_free_chunks()) {
    const cudaError_t freed =
        cudaFree(reinterpret_cast<void*>(chunk.address));  // NOLINT(performance-no-int-to-ptr)
    if (freed != cudaSuccess) status = freed;
  }
  check(status, "cudaFree");
  return add(bytes);
}

[[noreturn]] void fail(Int bytes, Int live) {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  throw OutOfMemory(Device::gpu, bytes, live, static_cast<Int>(total));
}

thread_local GraphMemory::Parts* in_use = nullptr;
thread_local GraphMemory::Mode in_mode = GraphMemory::Mode::rehearsal;

// A graph's memory, once neither it nor a tensor needs it.
void end(Memory& m, const std::shared_ptr<GraphMemory::Parts>& parts) {
  for (const Arena::Chunk& chunk : parts->arena.remove_free_chunks())
    if (pooled())
      m.arena.add_apart(chunk);
    else
      cudaFree(reinterpret_cast<void*>(chunk.address));  // NOLINT(performance-no-int-to-ptr)
  m.of_graphs.erase(std::find(m.of_graphs.begin(), m.of_graphs.end(), parts));
}

// Whether the block was a graph's.
bool give_to_graph(Memory& m, void* block) {
  const auto owner = std::find_if(m.of_graphs.begin(), m.of_graphs.end(),
                                  [&](const auto& each) { return each->arena.has(block); });
  if (owner == m.of_graphs.end()) return false;
  const std::shared_ptr<GraphMemory::Parts> parts = *owner;
  const auto found = parts->live.find(reinterpret_cast<std::uintptr_t>(block));
  const auto [bytes, mode] = found->second;
  fill_with_nan(m, block, bytes);
  parts->live.erase(found);
  if (mode == GraphMemory::Mode::rehearsal) parts->arena.give(block, bytes);
  if (parts->gone && parts->live.empty()) end(m, parts);
  return true;
}

}  // namespace

void* GraphMemory::Parts::rehearsed(Int bytes) {
  void* block = arena.take(bytes);
  if (!block && grow(arena, bytes, memory().arena)) block = arena.take(bytes);
  if (block) given.push_back({reinterpret_cast<std::uintptr_t>(block), bytes});
  return block;
}

// Blocks that were apart in the rehearsal are so here unless the work lets them go in another order.
void* GraphMemory::Parts::again(Int bytes) {
  const auto [address, size] = next < given.size() ? given[next] : Arena::Chunk{0, 0};
  const auto after = live.lower_bound(address);
  const auto end_of = [](const auto& block) {
    return block.first + static_cast<std::uintptr_t>(block.second.bytes);
  };
  const bool free = (after == live.end() || address + static_cast<std::uintptr_t>(size) <= after->first) &&
                    (after == live.begin() || end_of(*std::prev(after)) <= address);
  if (size != bytes || !free)
    throw Failure("a graph's work asks for other memory than in its rehearsal: {} bytes at call {} of {}",
                  bytes, next + 1, given.size());
  ++next;
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

GraphMemory::GraphMemory() : parts(std::make_shared<Parts>()) {
  const std::lock_guard lock(memory().mutex);
  memory().of_graphs.push_back(parts);
  // What work before it left free would else lie idle beside it.
  for (const Arena::Chunk& chunk : memory().arena.remove_free_chunks()) parts->arena.add_apart(chunk);
}

GraphMemory::~GraphMemory() {
  const std::lock_guard lock(memory().mutex);
  parts->gone = true;
  if (parts->live.empty()) end(memory(), parts);
}

GraphMemory::Use::Use(GraphMemory& memory, Mode mode) {
  in_use = memory.parts.get();
  in_mode = mode;
  if (mode == Mode::rehearsal) in_use->given.clear();
  in_use->next = 0;
}
GraphMemory::Use::~Use() {
  GraphMemory::Parts& used = *std::exchange(in_use, nullptr);
  if (in_mode == Mode::recording) return;
  const std::lock_guard lock(memory().mutex);
  for (const Arena::Chunk& chunk : used.arena.remove_free_chunks()) {
    const bool needed = std::any_of(used.given.begin(), used.given.end(), [&](const Arena::Chunk& block) {
      return chunk.address <= block.address &&
             block.address < chunk.address + static_cast<std::uintptr_t>(chunk.bytes);
    });
    (needed ? used.arena : memory().arena).add_apart(chunk);
  }
}

static void* given_out(Int bytes) {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  if (in_use) {
    bytes = m.arena.rounded(bytes);
    void* const block =
        in_mode == GraphMemory::Mode::recording ? in_use->again(bytes) : in_use->rehearsed(bytes);
    if (!block) fail(bytes, m.arena.live());
    in_use->live[reinterpret_cast<std::uintptr_t>(block)] = {bytes, in_mode};
    m.arena.count(bytes);
    return block;
  }
  if (!pooled()) {
    void* const block = from_system(std::max<Int>(bytes, 1));
    if (!block) fail(bytes, m.arena.live());
    m.arena.count(m.arena.rounded(bytes));
    return block;
  }
  bytes = m.arena.rounded(bytes);
  if (void* const block = m.arena.take(bytes)) return block;
  if (!grow(m.arena, bytes, m.arena)) fail(bytes, m.arena.live());
  return m.arena.take(bytes);
}

void* allocate(Int bytes) {
  if (fills()) memory().stream = stream();
  void* const block = given_out(bytes);
  if (const cudaError_t status = fill_with_nan(memory(), block, bytes); status != cudaSuccess) {
    release(block, bytes);
    check(status, "cudaMemsetAsync", {bytes, "bytes"});
  }
  return block;
}

void release(void* block, Int bytes) noexcept {
  Memory& m = memory();
  const std::lock_guard lock(m.mutex);
  bytes = m.arena.rounded(bytes);
  if (give_to_graph(m, block)) return m.arena.count(-bytes);
  if (!recording()) fill_with_nan(m, block, bytes);  // what a graph does, its launches do again
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
