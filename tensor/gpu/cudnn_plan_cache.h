#pragma once
#include "tensor/cache.h"
#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/cudnn_plan.h"
#include "tensor/gpu/runtime.h"
#include "tensor/out_of_memory.h"

namespace sonograd::cudnn {

// The plans of one op on this process' GPU, by what they depend on. A plan moves on to another engine where
// one fails, so it is one thread's at a time. To be made with `new` and kept as long as the process: at its
// end the library may be gone first.
template <class OpPlan>
class Plans {
 public:
  explicit Plans(std::size_t capacity) : device(handle()), plans(capacity) {}

  // make(target) gives the plan where there is none yet, launch(plan, workspace) runs it. False where no
  // engine is left that runs.
  template <class Make, class Launch>
  bool run(const std::vector<Int>& key, Make make, Launch launch) {
    const std::shared_ptr<const Shared> shared = plans.get(key, [&] { return make(device); });
    const std::lock_guard lock(shared->mutex);
    for (OpPlan& plan = shared->plan; plan.found(); plan.advance()) {
      const Storage workspace = allocating([] { return std::string("cuDNN's workspace"); },
                                           [&] { return Storage(plan.workspace(), true); });
      if (launch(plan, workspace.data())) return true;
      cudaGetLastError();  // else a later call would report it
    }
    return false;
  }

 private:
  struct Shared {
    explicit Shared(OpPlan plan) : plan(std::move(plan)) {}
    mutable std::mutex mutex;
    mutable OpPlan plan;
  };
  const Target device;
  Cache<Shared> plans;
};

}  // namespace sonograd::cudnn
