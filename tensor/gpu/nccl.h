#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "tensor/tensor.h"

// Sums and copies between the GPUs of several processes by NCCL, which is opened at the first call. A build
// with CUDA and NCCL's header takes these functions from tensor/gpu/nccl.gpu.cpp, any other from
// tensor/gpu/no_nccl.cpp, which refuses. Throws gpu::Failure.
namespace sonograd::nccl {

// How long one that sees another's failure waits for that process to say why and to end this one, before it
// says so itself.
inline std::chrono::milliseconds patience{3000};

std::string version();  // of the library that is loaded, 2.28.9
std::string new_id();   // bytes that one process makes and all take, to find one another

// One of several processes, each on a GPU of its own; all make the same calls in the same order. Their work
// goes on a stream beside ours (gpu::stream): it begins after what was put on ours before the call, and ours
// goes on meanwhile. While one lives, each wait of the host for the gpu looks whether another has failed.
class Communicator {
 public:
  Communicator() = default;
  // Waits for the work and for the others of a machine, who destroy theirs too. After an exception it leaves
  // all as it is, for the process to end: others may not come.
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  // x, dense and on the gpu, becomes the sum over the processes in an order that NCCL chooses, the same bits
  // in each; or what the process `from` has. The host does not wait.
  virtual void begin_sum(Tensor x) = 0;
  virtual void begin_broadcast(Tensor x, Int from) = 0;
  // What is put on our stream from now on comes after all that was begun. Nor does the host wait here.
  virtual void finish() = 0;
};

// The process `rank` of 0 … size - 1; returns once all have called it.
std::unique_ptr<Communicator> join(const std::string& id, Int rank, Int size);

}  // namespace sonograd::nccl
