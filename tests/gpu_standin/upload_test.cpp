// What the host waits for: uploads go on by themselves, and a training step reads its results once all is
// under way. And what a profiler is told meanwhile.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "gan/adversarial_step.h"
#include "models/zoo.h"
#include "ops/unary/unary.h"
#include "tensor/gpu/ranges.h"
#include "tensor/gpu/runtime.h"
#include "tests/gpu_standin/mini_training.h"
#include "tests/gpu_standin/standin.h"
#include "train/step.h"

using namespace sonograd;

TEST_CASE("an upload waits for no work, and its source may be written over at once [23]") {
  // Both large buffers are there and large enough: one that grows frees the one before, which waits.
  for (int i = 0; i < 2; ++i) Tensor::of({100000}, std::vector<double>(100000, 1)).to(Device::gpu);
  gpu::synchronise();
  const Tensor before = Tensor::filled({64}, 2, DType::f32, Device::gpu);
  gpu::Event work;
  work.record();
  const std::size_t waits = gpu_standin::waits();
  for (const std::size_t elements : {std::size_t{3}, std::size_t{100000}}) {  // few bytes, and many
    CAPTURE(elements);
    std::vector<float> source(elements, 1);
    Tensor there = Tensor::empty({static_cast<Int>(elements)}, DType::f32, Device::gpu);
    gpu::upload(there.mutable_gpu_data<float>(), source.data(), there.elements() * 4);
    source.assign(elements, 7);
    CHECK(!work.done());
    CHECK(gpu_standin::waits() == waits);
    if (elements > 3) CHECK(there.values() == std::vector<double>(elements, 1));
  }
}

TEST_CASE("more uploads than there are buffers, and larger ones, each arrive whole") {
  for (const Int elements : {Int{5}, Int{5000}, Int{9} << 20}) {
    CAPTURE(elements);
    Tensors there;
    std::vector<float> source(static_cast<std::size_t>(elements));
    const int count = elements > 100000 ? 1 : 150;
    for (int k = 0; k < count; ++k) {
      std::iota(source.begin(), source.end(), static_cast<float>(k));
      there.push_back(Tensor::empty({elements}, DType::f32, Device::gpu));
      gpu::upload(there.back().mutable_gpu_data<float>(), source.data(), elements * 4);
    }
    for (int k = 0; k < count; ++k)
      for (const Int i : {Int{0}, elements / 2, elements - 1})
        CHECK(there[static_cast<std::size_t>(k)].slice(0, i, i + 1).item() ==
              static_cast<double>(static_cast<float>(k) + static_cast<float>(i)));
  }
}

TEST_CASE(
    "a training step is under way before the host waits, for its loss, its gradients' norm and its logits") {
  gpu_standin::MiniTraining mini;
  gpu_standin::take_ranges();
  const std::size_t waits = gpu_standin::waits();
  const StepResult second = mini.step({.step = 1});
  CHECK(gpu_standin::waits() == waits + 1);  // the others find the work done
  CHECK(second.loss > 0);
  const std::vector<std::string> ranges = gpu_standin::take_ranges();
  if (!gpu::ranges_on()) {
    MESSAGE("ranges are seen with SONOGRAD_NVTX=1");
    return;
  }
  const auto told = [&](const char* text) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const std::string& range) { return range == text; });
  };
  CHECK(told("update 2"));
  CHECK(told("update 2 > gradients of update 2 > top_conv: conv2d"));
  CHECK(told("update 2 > gradients of update 2 > top_conv: conv2d_grad_w (backward)"));
  CHECK(told("update 2 > adam_update"));
}

TEST_CASE("an adversarial step waits once for each of its four updates, and for what it tells") {
  Gan gan({.image_size = 16, .width = 0.125});
  gan.initialise(Random(1), DType::f32, Device::gpu);
  const auto step = [&] {
    std::array<Tensor, 3> noise;
    for (Tensor& each : noise) each = latent_noise(2, Random(3), DType::f32, Device::gpu);
    const Tensor real = Tensor::filled({2, 16, 16, 3}, 0.5, DType::f32, Device::gpu);
    const SmoothedLabels labels = smoothed_labels(2, Random(2), DType::f32, Device::gpu);
    adversarial_step(gan, real, noise, labels, {.random = Random(5)});
  };
  step();
  const std::size_t waits = gpu_standin::waits();
  step();
  CHECK(gpu_standin::waits() == waits + 5);
}
