#pragma once
#include <cublasLt.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/gpu_standin/standin.h"

// What the stand-ins of cuDNN, cuBLASLt and NCCL share, and what tests ask of them beside the libraries'
// functions.
namespace gpu_standin {

// Puts f on the stream as a library's kernel.
void enqueue(cudaStream_t stream, std::function<void()> f);

// To 10 bits after the point, halves to even: what tensor cores read of f32.
float tf32(float value);

// Whether all of the bytes lie in one block of the gpu that is allocated now; else a fault that begins so.
bool reaches(const void* first, std::int64_t bytes, const char* what);

// cuDNN's engines: which have run, and which refuse to run, with what status. A process has none where its
// environment says STANDIN_NO_ENGINES.
struct CudnnState {
  bool has_engines = std::getenv("STANDIN_NO_ENGINES") == nullptr;
  std::map<int, int> refusing;  // engine's number, status
  std::vector<int> ran;
  std::size_t plans = 0;  // how many were finalized
};
CudnnState& cudnn_state();

// cuBLASLt's heuristics: how often they were asked, and what they say where they know no algorithm: one of
// the two ways to say so, or nothing where they know one.
struct CublasState {
  std::optional<cublasStatus_t> none;
  std::size_t asked = 0;
};
CublasState& cublas_state();

// NCCL's: the call of this name that gives a status once; how long a process waits for the others, which
// stands for ever; and whether work that waits for one that is gone tells so (ncclCommGetAsyncError), as it
// may between machines: on one it waits on.
struct NcclState {
  std::map<std::string, int> failing;  // status
  std::chrono::milliseconds patience{60000};
  bool tells = false;
};
NcclState& nccl_state();
// What the end of a process does with the communicators that it left after a failure, which is where one was
// waited for in vain: nothing waits for their work any more.
void end_left_communicators();

// Descriptors that were made and not destroyed: of cuDNN's graphs, of its batch norms and of cuBLASLt. Those
// of plans stay, as the plans do.
std::size_t live_graph_descriptors();
std::size_t live_norm_descriptors();
std::size_t live_product_descriptors();

// The functions of all by their names.
const std::map<std::string, void*>& library_functions();

}  // namespace gpu_standin
