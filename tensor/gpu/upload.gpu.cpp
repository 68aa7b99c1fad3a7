#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>

#include "tensor/gpu/graph.h"
#include "tensor/gpu/runtime.h"

namespace sonograd::gpu {
namespace {

// Page-locked buffers by turns. A copy out of pageable memory makes the host wait for all work before it;
// out of these it goes on by itself, and the host waits only where a buffer's turn comes again before its
// last copy is done.
template <std::size_t turns>
class Staging {
 public:
  void upload(void* to, const void* from, Int bytes) {
    const std::lock_guard lock(mutex);
    if (!ring) ring.emplace();
    Turn& turn = (*ring)[next++ % turns];
    turn.copied.synchronise();
    if (!turn.memory || turn.memory->bytes() < bytes) {
      turn.memory.reset();
      turn.memory.emplace(bytes);
    }
    const auto size = static_cast<std::size_t>(bytes);
    std::memcpy(turn.memory->data(), from, size);
    check(cudaMemcpyAsync(to, turn.memory->data(), size, cudaMemcpyHostToDevice, stream()), "cudaMemcpyAsync",
          {bytes, "bytes to the gpu"});
    try {
      turn.copied.record();
    } catch (const Failure&) {
      cudaStreamSynchronize(stream());  // the memory's next turn would not wait for the copy
      throw;
    }
  }

 private:
  struct Turn {
    std::optional<Pinned> memory;
    Event copied;
  };
  std::mutex mutex;
  std::optional<std::array<Turn, turns>> ring;  // made once there is a gpu
  std::size_t next = 0;
};

constexpr Int small = 16 << 10, large = 32 << 20;  // bytes

}  // namespace

// Batches and weights go through two buffers, labels and the like through many small ones: they would
// else wait for one another. They live as long as the process.
void upload(void* to, const void* from, Int bytes) {
  static auto& few = *new Staging<2>;
  static auto& many = *new Staging<64>;
  if (bytes == 0) return;
  if (recording())
    throw Failure("{} bytes of the host for the gpu in a graph, which would repeat them", bytes);
  if (bytes <= small) return many.upload(to, from, bytes);
  for (Int done = 0; done < bytes; done += large)
    few.upload(static_cast<char*>(to) + done, static_cast<const char*>(from) + done,
               std::min(large, bytes - done));
}

}  // namespace sonograd::gpu
