#pragma once
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/shape.h"

namespace sonograd {

class Tensor;
enum class Precision;

// What the library asks of a GPU, in plain C++: memory, copies and a word on why there is none. A build with
// CUDA takes these functions from tensor/gpu/*.gpu.cpp and *.cu, any other from tensor/gpu/no_gpu.cpp, where
// all but why_not() are never reached. All work but NCCL's is put on one stream and done later, in the order
// of the calls; download() and synchronise() wait for it, upload() for the turn of a page-locked buffer.
namespace gpu {

// Why no tensor can be on a GPU: "this build has no gpu device", "no NVIDIA driver is installed", …; empty
// where one can be.
const std::string& why_not();
// Which of the machine's GPUs this process uses, from 0; set before anything else here is called.
inline int& device_index() {
  static int the_index = 0;
  return the_index;
}
std::string description();  // of the GPU that is used: name, compute capability, memory, driver
int multiprocessors();      // of it

// What failed on the gpu; `apply` puts the op and its inputs before the text.
class Failure : public Error {
 public:
  using Error::Error;
};

// Stream-ordered: what is released may be given out again at once, as new work comes after all that used it.
constexpr Int alignment = 256;  // bytes
void* allocate(Int bytes);      // throws OutOfMemory
void release(void* block, Int bytes) noexcept;
Int live_bytes();
Int peak_bytes();
void reset_peak();

void upload(void* to_gpu, const void* from_host, Int bytes);  // the source may be written over on return
void download(void* to_host, const void* from_gpu, Int bytes);
void synchronise();

// Between tensors on the gpu, of one shape; any strides and types.
void copy(const Tensor& source, Tensor& target);
void fill(Tensor& target, double value);
void round(const Tensor& source, Precision precision, Tensor& target);  // of f32, see tensor/precision.h
// Bytes that the dense copies of strided tensors may take while calls are gathered for one launch.
constexpr Int most_copied = Int{16} << 20;
void sum_squares(const std::vector<Tensor>& list, Tensor& sums);  // of f32: sums[i] = Σ list[i]², in f64

}  // namespace gpu
}  // namespace sonograd
