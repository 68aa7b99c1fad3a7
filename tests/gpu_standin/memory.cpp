#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "tests/gpu_standin/state.h"

// The rules' sources are in brackets, as README.md names them; [runtime] is the page of the function at hand.
namespace gpu_standin {
namespace {

// [guide] Device Memory Accesses: blocks begin at multiples of 256 bytes. Words around them: of the stand-in
// alone.
constexpr std::size_t guard = 256;
constexpr std::uint32_t signalling_nan = 0x7FA00000;

std::size_t whole(std::size_t bytes) {
  return (bytes + 2 * guard + guard - 1) / guard * guard;
}
// In few sizes, so that memory is used again and few pages change their protection.
std::size_t room(std::size_t bytes) {
  return std::bit_ceil(std::max<std::size_t>(whole(bytes), 4096));
}
}  // namespace

// [runtime] "The memory is not cleared."
void poison(void* block, std::size_t bytes) {
  auto* const bytes_of = static_cast<unsigned char*>(block);
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) std::memcpy(bytes_of + i, &signalling_nan, 4);
}
namespace {

bool poisoned(const char* block, std::size_t bytes) {
  for (std::size_t i = 0; i + 4 <= bytes; i += 4)
    if (std::memcmp(block + i, &signalling_nan, 4) != 0) return false;
  return true;
}

// The words before and behind a block of the gpu must be as they were; each breach is told once.
bool guards_hold(std::uintptr_t address, std::size_t bytes) {
  char* const block = reinterpret_cast<char*>(address);  // NOLINT(performance-no-int-to-ptr)
  const std::size_t filled = (bytes + 3) / 4 * 4, behind = whole(bytes) - guard - filled;
  if (poisoned(block - guard, guard) && poisoned(block + filled, behind)) return true;
  fault("memory of the gpu was written outside of a block of " + std::to_string(bytes) + " bytes");
  poison(block - guard, guard);
  poison(block + filled, behind);
  return false;
}

// What earlier work may still use is taken back after it: cudaFree may wait [runtime] for that work, and
// code that rests on its waiting would be wrong on a card with more of it. So many bytes at most lie between.
constexpr std::size_t most_freed = std::size_t{64} << 20;

// Null where none or several have work to do.
cudaStream_t the_stream_at_work() {
  cudaStream_t found = nullptr;
  for (const cudaStream_t stream : state().streams)
    if (!stream->work.empty()) {
      if (found) return nullptr;
      found = stream;
    }
  return found;
}

bool take_back(std::uintptr_t address, std::size_t bytes) {
  const bool good = guards_hold(address, bytes);
  poison(reinterpret_cast<void*>(address - guard), whole(bytes));  // NOLINT(performance-no-int-to-ptr)
  state().free[room(bytes)].insert(address - guard);
  state().freed -= room(bytes);
  return good;
}

bool inside(const std::map<std::uintptr_t, std::size_t>& blocks, const void* first, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(first);
  auto next = blocks.upper_bound(address);
  if (next == blocks.begin()) return false;
  --next;
  return address + bytes <= next->first + next->second;
}

}  // namespace

bool of_gpu(const void* address) {
  const char* const a = static_cast<const char*>(address);
  return state().base <= a && a < state().base + space;
}
bool holds(const void* first, std::size_t bytes) {
  return inside(state().blocks, first, bytes);
}

bool all_guards_hold() {
  for (const auto& [address, bytes] : state().blocks)
    if (!guards_hold(address, bytes)) return false;
  return true;
}

std::size_t live_blocks() {
  return state().blocks.size();
}

}  // namespace gpu_standin

using namespace gpu_standin;

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  ENTER_OUTSIDE_OF_CAPTURES("cudaMalloc");
  State& s = state();
  *block = nullptr;
  if (bytes == 0) return cudaSuccess;  // [assumed]
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

// [runtime] Null is freed as often as one likes, all else once. cudaThreadExchangeStreamCaptureMode: neither
// this nor cudaMalloc in captures.
cudaError_t cudaFree(void* block) {
  ENTER_OUTSIDE_OF_CAPTURES("cudaFree");
  if (!block) return cudaSuccess;
  State& s = state();
  const auto found = s.blocks.find(reinterpret_cast<std::uintptr_t>(block));
  if (found == s.blocks.end()) {
    fault("cudaFree of what is no block, or was freed before");
    return give(cudaErrorInvalidValue);
  }
  const auto [address, bytes] = *found;
  note_freed(address, "the gpu", bytes);
  s.used -= bytes;
  s.blocks.erase(found);
  s.freed += room(bytes);
  const auto give_back = [address = address, bytes = bytes] { return take_back(address, bytes); };
  cudaStream_t const at_work = the_stream_at_work();
  if (at_work && s.freed < most_freed) {
    at_work->work.push_back(give_back);
    return cudaSuccess;
  }
  if (const cudaError_t status = run_all(); status != cudaSuccess) return status;
  const Unlocked open(static_cast<char*>(block) - guard, room(bytes));
  return give_back() ? cudaSuccess : give(cudaErrorLaunchFailure);
}

// [runtime] cudaThreadExchangeStreamCaptureMode: not in captures, either of them. Only what the first gave is
// freed by the second.
cudaError_t cudaMallocHost(void** block, std::size_t bytes) {
  ENTER_OUTSIDE_OF_CAPTURES("cudaMallocHost");
  *block = ::operator new(bytes);
  poison(*block, bytes);
  state().pinned.emplace(reinterpret_cast<std::uintptr_t>(*block), bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* block) {
  ENTER_OUTSIDE_OF_CAPTURES("cudaFreeHost");
  if (!block) return cudaSuccess;
  const auto found = state().pinned.find(reinterpret_cast<std::uintptr_t>(block));
  if (found == state().pinned.end()) return refuse("cudaFreeHost of what is not pinned");
  note_freed(found->first, "the host", found->second);
  state().pinned.erase(found);
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

// [runtime] "API synchronization behavior": from pageable memory the source is consumed at the call; to
// pageable memory the call waits; with pinned memory either goes on by itself.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  ENTER("cudaMemcpyAsync");
  State& s = state();
  if (!known(stream)) {  // [ours] no legacy stream; [errors] in captures: 906
    if (spoil_captures("a copy on the legacy stream")) return give(cudaErrorStreamCaptureImplicit);
    return refuse("a copy on a stream that is none, or on the legacy stream");
  }
  const bool to_gpu = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_gpu = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  // [runtime] Addresses that do not match the kind, or leave their block: undefined.
  if (kind == cudaMemcpyHostToHost || of_gpu(to) != to_gpu || of_gpu(from) != from_gpu) {
    fault("a copy whose kind is not that of its addresses");
    return give(cudaErrorInvalidMemcpyDirection);
  }
  if ((to_gpu && !inside(s.blocks, to, bytes)) || (from_gpu && !inside(s.blocks, from, bytes))) {
    fault("a copy of " + std::to_string(bytes) + " bytes that leaves its block of the gpu");
    return give(cudaErrorInvalidValue);
  }
  if (stream->capture) {
    if (stream->invalid) return give(cudaErrorStreamCaptureInvalidated);
    // [ours] [runtime] cudaGraphAddMemcpyNode: each launch would read or write the host's memory again, which
    // may be gone.
    if ((!to_gpu && !inside(s.pinned, to, bytes)) || (!from_gpu && !inside(s.pinned, from, bytes))) {
      spoil_captures("a copy of pageable memory");
      return give(cudaErrorStreamCaptureUnsupported);
    }
    note_address(to);
    note_address(from);
  }
  const auto later = [&](const void* source) {
    put(stream, [=] {
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
  if (!inside(s.pinned, to, bytes)) {
    s.waits += stream->work.size() > 1 ? 1 : 0;  // for more than the copy itself
    return wait_for(stream);
  }
  if (stream->capture)
    stream->capture->to_host.emplace_back(to, bytes);
  else
    poison(to, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* first, int byte, std::size_t bytes, cudaStream_t stream) {
  ENTER("cudaMemsetAsync");
  if (!known(stream)) {
    if (spoil_captures("work on the legacy stream")) return give(cudaErrorStreamCaptureImplicit);
    return refuse("memory is filled on a stream that is none, or on the legacy stream");
  }
  if (stream->capture && stream->invalid) return give(cudaErrorStreamCaptureInvalidated);
  if (!inside(state().blocks, first, bytes)) {
    fault("memory is filled beyond its block of the gpu");
    return give(cudaErrorInvalidValue);
  }
  note_address(first);
  put(stream, [=] {
    std::memset(first, byte, bytes);
    return true;
  });
  return cudaSuccess;
}
