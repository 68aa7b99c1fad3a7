#include "tensor/gpu/graph.h"

#include <map>
#include <optional>
#include <typeindex>

#include "tensor/gpu/graph_memory.h"
#include "tensor/gpu/runtime.h"

namespace sonograd::gpu {
namespace {

using Keepsakes = std::map<std::type_index, std::shared_ptr<void>>;
thread_local Keepsakes* keepsakes = nullptr;
thread_local bool is_recording = false;

// A graph's work runs, or is recorded.
class Working {
 public:
  Working(GraphMemory& memory, GraphMemory::Mode mode) : memory(memory, mode) { keepsakes = &kept; }
  ~Working() { keepsakes = nullptr; }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  GraphMemory::Use memory;
  Keepsakes kept;
};

// Between its ends, what is put on the stream is recorded. Other threads may do meanwhile what they like.
class Capture {
 public:
  Capture() {
    check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    is_recording = true;
  }
  ~Capture() {
    if (is_recording) end();
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  cudaError_t end() {
    is_recording = false;
    return cudaStreamEndCapture(stream(), &graph);
  }
  cudaGraph_t graph = nullptr;
};

}  // namespace

bool recording() {
  return is_recording;
}
std::shared_ptr<void>* kept_for_graph(const std::type_info& type) {
  return keepsakes ? &(*keepsakes)[type] : nullptr;
}

struct Graph::Parts {
  GraphMemory memory;
  cudaGraphExec_t executable = nullptr;
};

Graph::Graph() : parts(std::make_unique<Parts>()) {}
Graph::~Graph() {
  if (!parts->executable) return;
  cudaStreamSynchronize(stream());
  cudaGraphExecDestroy(parts->executable);
  cudaGetLastError();
}

void Graph::rehearse(const std::function<void()>& work) {
  const Working working(parts->memory, GraphMemory::Mode::rehearsal);
  work();
}

void Graph::record(const std::function<void()>& work) {
  const Working working(parts->memory, GraphMemory::Mode::recording);
  Capture capture;
  work();
  check(capture.end(), "cudaStreamEndCapture");
  check(cudaGraphInstantiate(&parts->executable, capture.graph, 0), "cudaGraphInstantiate");
}

bool Graph::recorded() const {
  return parts->executable != nullptr;
}
void Graph::launch() {
  check(cudaGraphLaunch(parts->executable, stream()), "cudaGraphLaunch");
}

struct Readout::Parts {
  Pinned memory;
  DType dtype;
};

Readout::Readout(Int elements, DType dtype) : parts(new Parts{Pinned(elements * size_of(dtype)), dtype}) {}
Readout::~Readout() = default;

void Readout::copy(const Tensor& x) {
  expect(x.dense() && x.dtype() == parts->dtype && x.elements() == elements(),
         "a readout of {} {} elements cannot take {} {}", elements(), name_of(parts->dtype),
         name_of(x.dtype()), x.shape().text());
  with_type(x.dtype(), [&](auto zero) {
    check(cudaMemcpyAsync(parts->memory.data(), x.gpu_data<decltype(zero)>(),
                          static_cast<std::size_t>(parts->memory.bytes()), cudaMemcpyDeviceToHost, stream()),
          "cudaMemcpyAsync", {parts->memory.bytes(), "bytes from the gpu"});
  });
}
Int Readout::elements() const {
  return parts->memory.bytes() / size_of(parts->dtype);
}
const void* Readout::data() const {
  return parts->memory.data();
}

}  // namespace sonograd::gpu
