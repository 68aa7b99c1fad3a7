#include "tests/gpu_standin/meeting.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/error.h"

namespace gpu_standin {

bool Call::operator==(const Call& other) const {
  return std::strcmp(what, other.what) == 0 && count == other.count && type == other.type &&
         root == other.root;
}

constexpr int most = 16;  // processes

// Begins as zeros.
struct Meeting::Shared {
  std::atomic<int> arrived, rounds, given_up, left;
  std::atomic<std::uint64_t> at, begun[most];
  Call calls[most];
};

std::string Meeting::new_file() {
  std::string name = (std::filesystem::temp_directory_path() / "sonograd-nccl-XXXXXX").string();
  const int made = ::mkstemp(name.data());
  sonograd::expect(made >= 0, "cannot make {}", name);
  ::close(made);
  return name;
}

Meeting::Meeting(const std::string& file, int rank, int size)
    : rank(rank), size(size), bytes(slot * static_cast<std::size_t>(size + 1)) {
  static_assert(sizeof(Shared) <= slot);
  sonograd::expect(size <= most, "the stand-in's NCCL knows at most {} processes", most);
  const int opened = ::open(file.c_str(), O_RDWR);
  sonograd::expect(opened >= 0 && ::ftruncate(opened, static_cast<off_t>(bytes)) == 0, "cannot open {}",
                   file);
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
  ::close(opened);
  sonograd::expect(mapped != MAP_FAILED, "cannot map {}", file);
  shared = static_cast<Shared*>(mapped);
}
Meeting::~Meeting() {
  ::munmap(shared, bytes);
}

bool Meeting::all_here(std::chrono::milliseconds patience) {
  const int round = shared->rounds;
  if (++shared->arrived == size) {
    const bool good = !given_up();
    shared->arrived = 0;
    ++shared->rounds;
    return good;
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  for (int tries = 0; shared->rounds == round; ++tries) {
    if (given_up()) return false;
    if (std::chrono::steady_clock::now() > end) return give_up(), false;
    if (tries < 50)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return true;
}
bool Meeting::all_leave(std::chrono::milliseconds patience) {
  ++shared->left;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (shared->left < size && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  return shared->left == size;
}
void Meeting::give_up() {
  shared->given_up = 1;
}
bool Meeting::given_up() const {
  return shared->given_up != 0;
}

Call& Meeting::call_of(int rank) const {
  return shared->calls[rank];
}
char* Meeting::slot_of(int rank) const {
  return reinterpret_cast<char*>(shared) + slot * static_cast<std::size_t>(rank + 1);
}

void Meeting::has_begun(std::uint64_t calls) {
  shared->begun[rank] = calls;
}
void Meeting::is_at(std::uint64_t call) {
  std::uint64_t before = shared->at;
  while (before < call && !shared->at.compare_exchange_weak(before, call)) {
  }
}
bool Meeting::awaited(std::uint64_t call) const {
  if (shared->at < call) return false;
  for (int r = 0; r < size; ++r)
    if (shared->begun[r] < call) return false;
  return true;
}

}  // namespace gpu_standin
