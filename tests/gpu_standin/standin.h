#pragma once
#include <cuda_runtime.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

// What tests ask of the stand-in beside CUDA's own functions.
namespace gpu_standin {

// Breaches of the rules that real hardware would not report: a guard word written, memory freed twice, a
// barrier that some threads do not reach. The call that shows one gives cudaErrorUnknown with this text.
std::vector<std::string> take_faults();

struct Machine {
  cudaError_t devices = cudaSuccess;  // what cudaGetDeviceCount gives
  int count = 1, driver = 13000, major = 8, minor = 0;
  std::size_t memory = std::size_t{1} << 30;
  cudaError_t kernels = cudaSuccess;  // what it says to each kernel: that it has no code for this gpu
};
Machine& machine();

// What a process is told from outside: STANDIN_GPUS so many there are, STANDIN_KERNELS as Machine::kernels,
// STANDIN_CUDNN its version, STANDIN_CUDNN_CUDA the version of CUDA that it is made for; and STANDIN_ABSENT
// names a library's file that cannot be opened.
inline int number_of_environment(const char* variable, int otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::atoi(text) : otherwise;
}

// The call of this name, of CUDA's runtime, cuDNN or cuBLASLt as the library calls them, fails once with
// `status`, after `passing` calls that do not, unless take_faults() comes before. After an error of the
// runtime that ends all, every call fails until take_faults().
void fail_call(const std::string& name, int status, int passing = 0);
std::map<std::string, std::size_t> take_calls();  // how often each was called since these were taken

std::size_t live_blocks();               // of cudaMalloc
std::size_t live_objects();              // streams, events, graphs and descriptors
std::size_t launches();                  // kernels so far
std::size_t graph_launches();            // so far
std::size_t waits();                     // of the host for work that was not done, so far
std::vector<std::string> take_ranges();  // that NVTX was told of, each with those that it lies in: "a > b"

// What was put on a stream by NCCL's calls and by cudaStreamWaitEvent, with the kernels launched before it.
struct Ordered {
  std::string call;
  cudaStream_t stream;
  std::size_t launches;
};
std::vector<Ordered> take_ordered();

bool of_gpu(const void* address);
bool holds(const void* first, std::size_t bytes);  // all of them in one block that is allocated now

// For the stand-ins' files: notes the fault.
void fault(std::string text);
int asked_to_fail(const std::string& call);  // with which status this call of it is to, or 0
void note_address(const void* address);      // that a library is given, for all captures
// Runs each thread of each block of a kernel to its end; false where one faulted.
bool run_grid(dim3 grid, dim3 block, const std::function<void()>& thread);

}  // namespace gpu_standin
