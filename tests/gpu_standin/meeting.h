#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

// Where the processes of a communicator of the stand-in's NCCL meet: a file that each maps.
namespace gpu_standin {

// What a process is about to do, which all must be.
struct Call {
  char what[24] = {};
  std::uint64_t count = 0;
  int type = 0, root = 0;
  bool operator==(const Call& other) const;
};

class Meeting {
 public:
  static constexpr std::size_t slot = std::size_t{1} << 20;  // bytes that a process shows the others at once

  static std::string new_file();  // to be removed once all have met
  Meeting(const std::string& file, int rank, int size);
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  // Waits for all of them; false where one gave up, or does not come in time.
  bool all_here(std::chrono::milliseconds patience);
  bool all_leave(std::chrono::milliseconds patience);  // the same, once, at the end
  void give_up();
  bool given_up() const;

  Call& call_of(int rank) const;
  char* slot_of(int rank) const;

  // Of the calls in their order: how many this process has put on its stream, and whether another is at the
  // work of that one, which all have put on theirs.
  void has_begun(std::uint64_t calls);
  void is_at(std::uint64_t call);
  bool awaited(std::uint64_t call) const;

  const int rank, size;

 private:
  struct Shared;
  std::size_t bytes;
  Shared* shared = nullptr;
};

}  // namespace gpu_standin
