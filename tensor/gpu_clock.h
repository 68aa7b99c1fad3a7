#pragma once
#include <memory>
#include <vector>

namespace sonograd::gpu {

// How long stretches of work take on the gpu itself, however long the host takes to ask for them: before each
// the gpu is kept busy for a fraction of a millisecond, in which the host puts the stretch on the stream.
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
