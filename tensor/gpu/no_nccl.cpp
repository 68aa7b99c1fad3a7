// In the place of tensor/gpu/nccl.gpu.cpp, in builds without CUDA or without NCCL's header.
#include "tensor/gpu/nccl.h"

namespace sonograd::nccl {

[[noreturn]] static void refuse() {
  throw Error(
      "this build sends nothing from gpu to gpu, as NCCL's header was not there: install it (nccl.h; "
      "Debian's package is libnccl-dev) and build again, or start one process without mpirun");
}

std::string version() {
  refuse();
}
std::string new_id() {
  refuse();
}
std::unique_ptr<Communicator> join(const std::string&, Int, Int) {
  refuse();
}

}  // namespace sonograd::nccl
