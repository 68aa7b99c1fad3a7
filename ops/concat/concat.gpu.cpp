#include "ops/concat/concat.h"

namespace sonograd {

void register_concat_gpu(Registry& registry) {
  registry.add_gpu<Concat>(concat_by_copies, Layout::strided);
}

}  // namespace sonograd
