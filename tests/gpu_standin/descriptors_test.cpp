#include <cudnn.h>
#include <doctest/doctest.h>

#include <array>

#include "ops/attention/attention.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/conv2d/conv2d.h"
#include "tensor/gpu/policy.h"
#include "tests/gpu_standin/libraries.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

std::array<std::size_t, 3> alive() {
  return {live_graph_descriptors(), live_norm_descriptors(), live_product_descriptors()};
}

Tensor filled(const Shape& shape) {
  return Tensor::filled(shape, 0.5, DType::f32, Device::gpu);
}

// All that goes to NVIDIA's libraries, forward and back.
void call_all() {
  const Tensor x = filled({2, 5, 7, 3}), w = filled({3, 3, 3, 2}), y = conv2d(x, w);
  apply(Conv2dGradX{{}, {5, 7}}, w, y);
  apply(Conv2dGradW{{}, {3, 3}}, x, y);
  const Tensor gamma = filled({3}), dy = filled(x.shape());
  const Normalised norm = batch_norm_train(x, gamma, gamma);
  apply_all(BatchNormTrainGrad{}, {x, gamma, gamma, norm.mean, norm.variance, dy});
  const Tensor tokens = filled({2, 5, 24});
  const Tensors in{tokens, tokens, tokens, tokens};
  apply_all(AttentionGrad{3, Precision::bf16}, in);
  apply_all(AttentionGrad{3}, in)[0].values();
}

}  // namespace

TEST_CASE("calls of NVIDIA's libraries leave no descriptor behind but those of plans, made once") {
  gpu::policy() = {.cudnn_batch_norm = true, .cudnn_attention = true};
  call_all();
  const auto first = alive();
  call_all();
  gpu::policy() = {};
  CHECK(alive() == first);
  CHECK(first[0] > 0);
  CHECK(first[1] == 0);
  CHECK(first[2] > 0);
  cudnnTensorDescriptor_t left = nullptr;
  cudnnCreateTensorDescriptor(&left);
  CHECK(alive() != first);
  cudnnDestroyTensorDescriptor(left);
  CHECK(alive() == first);
}
