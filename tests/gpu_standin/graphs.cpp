#include <cstring>
#include <utility>

#include "tests/gpu_standin/state.h"

// Captures and graphs: "CUDA Runtime API", Stream Management (cudaStreamBeginCapture, cudaStreamEndCapture,
// cudaThreadExchangeStreamCaptureMode) and Graph Management; "CUDA Programming Guide", Prohibited and
// Unhandled Operations. Nothing runs while it is captured. Each launch runs what was captured again, with the
// addresses and arguments of then.
namespace gpu_standin {
namespace {

std::size_t launched = 0;

}  // namespace

std::size_t graph_launches() {
  return launched;
}

void put(cudaStream_t stream, std::function<bool()> work) {
  if (!stream->capture)
    stream->work.push_back(std::move(work));
  else
    stream->capture->nodes.push_back(std::move(work));
}

bool spoil_captures(const char* call) {
  bool any = false;
  for (const cudaStream_t stream : state().streams) {
    if (!stream->capture || stream->capturing != std::this_thread::get_id()) continue;
    fault(std::string(call) + " while a stream is captured");
    any = stream->invalid = true;
  }
  return any;
}

void note_address(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const cudaStream_t stream : state().streams) {
    if (!stream->capture) continue;
    for (const auto& [blocks, noted] : {std::pair(&state().blocks, &stream->capture->blocks),
                                        {&state().pinned, &stream->capture->pinned}}) {
      auto next = blocks->upper_bound(at);
      if (next == blocks->begin()) continue;
      --next;
      if (at < next->first + next->second) noted->insert(next->first);
    }
  }
}

void note_addresses(cudaStream_t stream, const void* argument, std::size_t bytes) {
  const std::lock_guard lock(state().mutex);
  if (!known(stream) || !stream->capture) return;
  const void* word = nullptr;
  for (std::size_t i = 0; i + sizeof(word) <= bytes; i += sizeof(word)) {
    std::memcpy(&word, static_cast<const char*>(argument) + i, sizeof(word));
    if (of_gpu(word)) note_address(word);
  }
}

void note_freed(std::uintptr_t address, const char* what, std::size_t bytes) {
  const auto note = [&](CUgraph_st* graph) {
    if (graph->blocks.count(address) + graph->pinned.count(address) > 0)
      graph->lost = std::to_string(bytes) + " bytes of " + what;
  };
  for (CUgraph_st* graph : state().graphs) note(graph);
  for (CUgraph_st* graph : state().executables) note(graph);
}

}  // namespace gpu_standin

using namespace gpu_standin;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  ENTER("cudaStreamBeginCapture");
  if (!known(stream)) return give(cudaErrorStreamCaptureUnsupported);  // the legacy stream, or none
  if (stream->capture) return give(cudaErrorIllegalState);
  if (mode == cudaStreamCaptureModeRelaxed) return refuse("a capture that allows what may be unsafe");
  stream->capture = *state().graphs.insert(new CUgraph_st).first;
  stream->invalid = false;
  stream->capturing = std::this_thread::get_id();
  return cudaSuccess;
}
// However it fails, no capture is left; but for the thread's error.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard lock(state().mutex);
  *graph = nullptr;
  if (!known(stream) || !stream->capture) return give(cudaErrorIllegalState);
  if (stream->capturing != std::this_thread::get_id()) return give(cudaErrorStreamCaptureWrongThread);
  cudaGraph_t const captured = std::exchange(stream->capture, nullptr);
  cudaError_t status = enter("cudaStreamEndCapture");
  if (status == cudaSuccess && stream->invalid) status = give(cudaErrorStreamCaptureInvalidated);
  if (status == cudaSuccess) {
    *graph = captured;
  } else {
    state().graphs.erase(captured);
    delete captured;
  }
  return status;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags) {
  ENTER("cudaGraphInstantiate");
  if (state().graphs.count(graph) == 0) return give(cudaErrorInvalidValue);
  if (flags != 0) return refuse("a graph with flags");
  *executable = *state().executables.insert(new CUgraphExec_st{*graph}).first;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  ENTER("cudaGraphDestroy");
  if (state().graphs.erase(graph) == 0) return give(cudaErrorInvalidValue);
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  ENTER("cudaGraphLaunch");
  if (state().executables.count(executable) == 0) return give(cudaErrorInvalidValue);
  if (!known(stream)) return refuse("a graph on a stream that is none, or on the legacy stream");
  if (spoil_captures("cudaGraphLaunch")) return give(cudaErrorStreamCaptureUnsupported);
  if (!executable->lost.empty())
    return refuse("a graph is launched that uses " + executable->lost + ", freed since it was captured");
  for (const auto& [to, bytes] : executable->to_host) poison(to, bytes);
  ++launched;
  ++executable->under_way;
  stream->work.push_back([executable] {
    --executable->under_way;
    for (const auto& node : executable->nodes)
      if (!node()) return false;
    return true;
  });
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  ENTER("cudaGraphExecDestroy");
  if (state().executables.count(executable) == 0) return give(cudaErrorInvalidValue);
  if (executable->under_way > 0) return refuse("a graph is destroyed while it is under way");
  state().executables.erase(executable);
  delete executable;
  return cudaSuccess;
}
