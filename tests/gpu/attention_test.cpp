// Attention by cuDNN's fused graphs beside the reference, whose factors are rounded too.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "layers/dense.h"
#include "models/vit.h"
#include "models/zoo.h"
#include "ops/attention/attention.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/policy.h"
#include "tests/error_of.h"
#include "train/step.h"

using namespace sonograd;

namespace {

struct ByCudnn {
  explicit ByCudnn(bool deterministic = true) {
    gpu::policy() = {.deterministic = deterministic, .cudnn_attention = true};
  }
  ~ByCudnn() { gpu::policy() = {}; }
};

Tensor drawn(const Shape& shape, double size, std::uint64_t seed) {
  Tensor x = Tensor::empty(shape, DType::f32, Device::cpu);
  initialise(x, {Init::Kind::uniform, size}, Random(seed));
  return x;
}

// y, dq, dk and dv
Tensors run(Device device, Int heads, Int queries, Int tokens, Int size,
            Precision precision = Precision::bf16) {
  const Shape q{2, queries, heads * size}, k{2, tokens, heads * size};
  const Tensors in{drawn(q, 2, 1).to(device), drawn(k, 2, 2).to(device), drawn(k, 1, 3).to(device),
                   drawn(q, 1, 4).to(device)};
  Tensors out = apply_all(AttentionGrad{heads, precision}, in);
  out.insert(out.begin(), attention(in[0], in[1], in[2], heads, precision));
  return out;
}

double largest(const Tensor& x) {
  double most = 0;
  for (const double value : x.values()) most = std::max(most, std::abs(value));
  return most;
}
// max |a − b| / max |b|, of which `least` is taken where it is less
double apart(const Tensor& x, const Tensor& y, double least = 1e-30) {
  const std::vector<double> a = x.values(), b = y.values();
  double most = 0;
  for (std::size_t i = 0; i < b.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most / std::max(largest(y), least);
}

// From compute capability 8.0 on.
bool has_engine() {
  const bool older = gpu::description().find("compute capability 7.") != std::string::npos;
  if (older) MESSAGE("skipped: " << gpu::description());
  return !older;
}

Model transformer(Device device) {
  constexpr VitSize small{.patch = 8, .hidden = 48, .layers = 2, .heads = 3, .mlp = 96};
  const ModelOptions options{.name = "vit_s16", .image_size = 32};
  Backbone base = vit(small, options.image_size, options.keras);
  Chain head;
  head.add("dense", dense(base.channels, 3));
  Model model(options, std::move(base.layers), std::move(head), vit_grid(small, options.image_size));
  model.initialise(Random(3), DType::f32, device);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

}  // namespace

// Bounds: P, y and the gradients are rounded to 8 bits, by 2^-9 of each at most, in f16 to 11, by 2^-12; a
// gradient goes through y, P and its own gradient, by which cancellation some of it is lost.
TEST_CASE("attention by cuDNN is the reference's within bf16 and f16") {
  const ByCudnn on;
  if (!has_engine()) return;
  for (const std::array<Int, 4>& sizes :
       std::vector<std::array<Int, 4>>{{3, 17, 17, 16}, {1, 1, 21, 8}, {2, 5, 7, 64}, {2, 9, 1, 24}}) {
    const auto& [heads, queries, tokens, size] = sizes;
    CAPTURE(sizes[1]);
    for (const auto& [precision, bound] : {std::pair{Precision::bf16, 0.01}, {Precision::f16, 0.00125}}) {
      const Tensors ours = run(Device::gpu, heads, queries, tokens, size, precision),
                    theirs = run(Device::reference, heads, queries, tokens, size, precision);
      for (std::size_t i = 0; i < ours.size(); ++i) {
        CAPTURE(i);
        CHECK(apart(ours[i], theirs[i], tokens == 1 ? 1 : 1e-30) < bound);  // of one, dq and dk are zero
      }
    }
  }
}

TEST_CASE("attention by cuDNN gives the same bits again, unless any order of sums is asked for") {
  const ByCudnn on;
  if (!has_engine()) return;
  const Tensors first = run(Device::gpu, 2, 9, 9, 16), second = run(Device::gpu, 2, 9, 9, 16);
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i].values() == second[i].values());
  const ByCudnn any(false);
  const Tensors other = run(Device::gpu, 2, 9, 9, 16);
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(apart(other[i], first[i]) < 0.01);
}

TEST_CASE("a Vision Transformer's step in bf16 is its own kernels' within bf16") {
  Model model = transformer(Device::gpu);
  const Batch batch{drawn({3, 32, 32, 3}, 127, 5), {0, 1, 2}, {}};
  const auto step = [&](Precision precision) {
    return gradients_of(model, batch, {.precision = precision, .random = Random(7)});
  };
  const StepResult own = step(Precision::bf16), full = step(Precision::full);
  const ByCudnn on;
  if (!has_engine()) return;
  const StepResult theirs = step(Precision::bf16);
  CHECK(theirs.loss == doctest::Approx(own.loss).epsilon(1e-2));
  CHECK(theirs.loss != own.loss);
  double size = 0;
  for (const Tensor& gradient : own.gradients) size = std::max(size, largest(gradient));
  for (std::size_t i = 0; i < own.gradients.size(); ++i) {
    CAPTURE(i);
    CHECK(apart(theirs.gradients[i], own.gradients[i], 0.01 * size) < 0.05);  // a key's bias has none
  }
  const StepResult still = step(Precision::full);  // which the switch leaves alone
  CHECK(still.loss == full.loss);
}

TEST_CASE("heads that cuDNN has no engine for are an error that says what to do") {
  const ByCudnn on;
  const std::string error = error_of([] { run(Device::gpu, 2, 3, 3, 20); });
  CHECK(error.find("has no engine on this GPU for attention") != std::string::npos);
  CHECK(error.find("2 heads of 20 channels, batch 2; leave out --attention cudnn") != std::string::npos);
}
