#pragma once
#include <cuda_runtime.h>

#include <functional>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

#include "tensor/gpu/gpu.h"

// CUDA's runtime with our errors and lifetimes: for *.gpu.cpp and *.cu alone.
namespace sonograd::gpu {

// What a call is about, "3 blocks"; no text is made of it unless the call fails.
struct Amount {
  Int number = 0;
  const char* unit = nullptr;
};
// Throws Failure where a call failed: "<call> of <about>: <the runtime's text>". An error of earlier work on
// the stream shows at a later call, and one that has ended the process' use of the GPU is said to have.
void check(cudaError_t status, const char* call, Amount about = {});

// Why a GPU cannot be used, asked anew; why_not() asks once.
std::string examine();

// What the runtime says where it looks for a kernel of this build that this GPU can run. All *.cu are
// compiled for the same kinds of GPU, so one kernel speaks for all.
cudaError_t find_kernels();

// Puts the calling thread on this process' GPU: each begins with the machine's first. What makes something on
// the GPU says this before.
void use_our_gpu();

// On which all work is put but that of NCCL; it is no stream that others wait for. It says use_our_gpu().
cudaStream_t stream();

// While a graph's work is rehearsed or recorded (tensor/gpu/graph.h), the T that it has for itself: what ops
// keep from call to call, such as turned weights, would else be read from memory that a graph does not hold,
// or be found there by others before it was ever computed. Null outside.
std::shared_ptr<void>* kept_for_graph(const std::type_info& type);
template <class T>
T* kept_for_graph() {
  std::shared_ptr<void>* const slot = kept_for_graph(typeid(T));
  if (slot && !*slot) *slot = std::make_shared<T>();
  return slot ? static_cast<T*>(slot->get()) : nullptr;
}

// Called again and again while the host waits for the gpu, unless it is empty; it may throw, which ends the
// wait.
std::function<void()>& while_waiting();

// A point of a stream that others, or the host, can wait for.
class Event {
 public:
  enum class Kind { untimed, timed };  // timed ones cost the gpu a little more
  explicit Event(Kind kind = Kind::untimed);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(cudaStream_t on = stream());   // after all that is on the stream
  void hold_back(cudaStream_t other) const;  // what is put there from now on comes after this point
  void synchronise() const;                  // the host waits
  bool done() const;
  double seconds_since(const Event& earlier) const;  // of two timed ones that are done

 private:
  cudaEvent_t event = nullptr;
};

// Page-locked memory of the host, which a copy may read or write while the host goes on.
class Pinned {
 public:
  explicit Pinned(Int bytes);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  void* data() const { return block; }
  Int bytes() const { return bytes_; }

 private:
  void* block = nullptr;
  Int bytes_;
};

}  // namespace sonograd::gpu
