#include "tensor/arena.h"

#include <algorithm>
#include <iterator>

namespace sonograd {

Int Arena::rounded(Int bytes) const {
  return (std::max<Int>(bytes, 1) + alignment - 1) / alignment * alignment;
}

void Arena::add(Chunk chunk) {
  held_ += chunk.bytes;
  blocks.emplace(chunk.address, chunk.bytes);
}

void Arena::add_apart(Chunk chunk) {
  chunks.emplace(chunk.address, chunk.bytes);
  add(chunk);
}

void* Arena::take(Int bytes) {
  const auto fit =
      std::find_if(blocks.begin(), blocks.end(), [&](const auto& block) { return block.second >= bytes; });
  if (fit == blocks.end()) return nullptr;
  const auto [address, size] = *fit;
  blocks.erase(fit);
  if (size > bytes) blocks.emplace(address + static_cast<std::uintptr_t>(bytes), size - bytes);
  count(bytes);
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): addresses are added to
}

void Arena::give(void* block, Int bytes) {
  count(-bytes);
  auto address = reinterpret_cast<std::uintptr_t>(block);
  auto next = blocks.lower_bound(address);
  const auto end = address + static_cast<std::uintptr_t>(bytes);
  if (next != blocks.end() && end == next->first && chunks.count(end) == 0) {
    bytes += next->second;
    blocks.erase(next++);
  }
  if (next != blocks.begin() && chunks.count(address) == 0) {
    const auto before = std::prev(next);
    if (before->first + static_cast<std::uintptr_t>(before->second) == address) {
      address = before->first;
      bytes += before->second;
      blocks.erase(before);
    }
  }
  blocks.emplace(address, bytes);
}

std::vector<Arena::Chunk> Arena::remove_free_chunks() {
  std::vector<Chunk> removed;
  for (const auto& [address, bytes] : chunks) {
    const auto block = blocks.find(address);
    if (block == blocks.end() || block->second != bytes) continue;
    blocks.erase(block);
    held_ -= bytes;
    removed.push_back({address, bytes});
  }
  for (const Chunk& chunk : removed) chunks.erase(chunk.address);
  return removed;
}

bool Arena::has(const void* block) const {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  const auto next = chunks.upper_bound(address);
  return next != chunks.begin() &&
         address < std::prev(next)->first + static_cast<std::uintptr_t>(std::prev(next)->second);
}

void Arena::count(Int bytes) {
  live_ += bytes;
  peak_ = std::max(peak_, live_);
}

}  // namespace sonograd
