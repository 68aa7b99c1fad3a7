#pragma once
#include <memory>

namespace sonograd::gpu {

// Memory that a graph's work has for itself. A rehearsal takes it from the system as it goes and notes which
// block each of its calls got; the recording, while which nothing can be allocated, gets the same blocks in
// the same order. For tensor/gpu/*.gpu.cpp alone.
class GraphMemory {
 public:
  enum class Mode { rehearsal, recording };

  GraphMemory();
  ~GraphMemory();  // what tensors still hold goes back once they are gone
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  // While one lives, gpu::allocate takes from here what its thread asks for.
  class Use {
   public:
    Use(GraphMemory& memory, Mode mode);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  struct Parts;

 private:
  std::shared_ptr<Parts> parts;
};

}  // namespace sonograd::gpu
