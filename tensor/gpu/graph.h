#pragma once
#include <functional>
#include <memory>

#include "tensor/tensor.h"

// Work that is put on the gpu's stream once and launched again and again, as one (a CUDA graph): the host
// then spends one call on what took hundreds. In plain C++, as tensor/gpu/gpu.h; a build without CUDA never
// reaches it.
namespace sonograd::gpu {

// A launch repeats the very kernels, addresses and arguments by value that were recorded. So memory that the
// work allocates is kept for it as long as the graph lives, what changes from launch to launch lies in memory
// (LiveNumbers), and nothing of the work may wait, read values on the host or upload any: such a call throws
// Failure and ends the recording. Tensors that the work reads and that it did not make must outlive the
// graph.
class Graph {
 public:
  Graph();
  ~Graph();  // waits for the launches
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Runs the work once, and so finds out which memory it needs. All tensors that it makes must be gone before
  // it is recorded.
  void rehearse(const std::function<void()>& work);
  // Once; nothing of the work runs. It must ask for the memory that the rehearsed one asked for.
  void record(const std::function<void()>& work);
  bool recorded() const;
  void launch();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts;
};

// Whether a graph's work is being recorded on this thread.
bool recording();

// Values of a tensor on the gpu, as the host reads them: in page-locked memory, so that the copy can be part
// of a graph.
class Readout {
 public:
  explicit Readout(Int elements, DType dtype = DType::f32);
  ~Readout();
  Readout(const Readout&) = delete;
  Readout& operator=(const Readout&) = delete;

  void copy(const Tensor& x);  // dense, of that type and so many elements; put on the stream
  template <class T>
  const T* values() const {  // there after synchronise()
    return static_cast<const T*>(data());
  }
  Int elements() const;

 private:
  const void* data() const;
  struct Parts;
  std::unique_ptr<Parts> parts;
};

}  // namespace sonograd::gpu
