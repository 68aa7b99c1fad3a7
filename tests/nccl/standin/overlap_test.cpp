// When gradients go to the other processes, as the stand-in sees it; run by mpirun.
#include <doctest/doctest.h>

#include "layers/dense.h"
#include "models/vit.h"
#include "tensor/gpu/runtime.h"
#include "tests/gpu_standin/standin.h"
#include "tests/mpi/group.h"
#include "train/step.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

// 14 MiB of parameters, of which a bucket takes 4 or more.
Model transformer() {
  constexpr VitSize size{.hidden = 384, .layers = 2, .heads = 6, .mlp = 1536};
  const ModelOptions options{.name = "vit_s16", .image_size = 16};
  Backbone base = vit(size, options.image_size, options.keras);
  Chain head;
  head.add("dense", dense(base.channels, 3));
  Model model(options, std::move(base.layers), std::move(head), vit_grid(size, options.image_size));
  model.initialise(Random(3), DType::f32, Device::gpu);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

}  // namespace

TEST_CASE("gradients are on their way to the others while backward computes those of earlier layers") {
  Group& group = test_group();
  Model model = transformer();
  Batch batch{Tensor::filled({1, 16, 16, 3}, 100), {0}, {}};
  batch.first = group.rank();
  batch.whole = group.size();
  batch.counted = 1;
  const cudaStream_t ours = gpu::stream();
  take_ordered();
  std::size_t last_of_backward = 0;
  {
    const Observer observer([&](const Observation& seen) {
      if (seen.backward) last_of_backward = launches();
    });
    gradients_of(model, batch, {.dropout = false, .group = &group});
  }
  int before = 0, all = 0;
  for (const Ordered& each : take_ordered()) {
    CAPTURE(each.call);
    if (each.call == "ncclAllReduce") {
      CHECK(each.stream != ours);
      before += each.launches < last_of_backward;
      ++all;
    } else if (each.stream == ours) {
      CHECK(each.launches >= last_of_backward);  // backward waits for none of them
    }
  }
  CHECK(before > 1);
  CHECK(all == before + 1);  // what is left at the end
}
