#include "ops/pad/pad.h"

namespace sonograd {

void register_pad_gpu(Registry& registry) {
  registry.add_gpu<Pad>(pad_by_copies, Layout::strided);
}

}  // namespace sonograd
