#include "tensor/cudnn.h"
#include "tensor/gpu_runtime.h"

namespace sonograd::cudnn {

cudnnHandle_t handle() {
  thread_local cudnnHandle_t const the_handle = [] {
    cudnnHandle_t made = nullptr;
    check(functions().create(&made), "cudnnCreate");
    check(functions().set_stream(made, gpu::stream()), "cudnnSetStream");
    return made;
  }();
  return the_handle;
}

}  // namespace sonograd::cudnn
