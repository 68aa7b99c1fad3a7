#pragma once
#include <memory>
#include <vector>

namespace sonograd::gpu {

// How long stretches of work take on the gpu itself: before each it is kept busy for about a quarter of a
// millisecond, in which the host puts the stretch on the stream. Where the host takes longer, to make a plan
// or for dozens of kernels, its time shows.
class Clock {
 public:
  Clock();
  ~Clock();
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  void start();
  void stop();
  std::vector<double> seconds() const;  // of each stretch, in their order; waits for the last

 private:
  struct Parts;
  std::unique_ptr<Parts> parts;
};

}  // namespace sonograd::gpu
