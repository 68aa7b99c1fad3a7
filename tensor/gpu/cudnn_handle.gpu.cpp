#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/runtime.h"

namespace sonograd::cudnn {

cudnnHandle_t handle() {
  thread_local cudnnHandle_t const the_handle = [] {
    gpu::use_our_gpu();
    cudnnHandle_t made = nullptr;
    check(functions().create(&made), "cudnnCreate");
    return made;
  }();
  thread_local const bool on_stream =
      (check(functions().set_stream(the_handle, gpu::stream()), "cudnnSetStream"), true);
  static_cast<void>(on_stream);
  return the_handle;
}

}  // namespace sonograd::cudnn
