#include "tensor/gpu.h"

namespace sonograd::gpu {

OutOfMemory::OutOfMemory(Int asked, Int live, Int total)
    : Failure(
          "out of memory on the gpu: cannot allocate {} MiB beside {} MiB in use, it has {} MiB; use a "
          "smaller "
          "batch or smaller images",
          asked >> 20, live >> 20, total >> 20),
      asked(asked),
      live(live),
      total(total) {}

}  // namespace sonograd::gpu
