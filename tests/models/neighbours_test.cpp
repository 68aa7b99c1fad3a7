#include <doctest/doctest.h>

#include "autograd/tape.h"
#include "layers/batch_norm.h"
#include "models/heads.h"
#include "ops/reduce/reduce.h"
#include "ops/unary/unary.h"

using namespace sonograd;

namespace {

enum class Mode { inference, finetune, transfer, scratch };

struct Run {
  Tensor y;
  Tensors gradients;  // of the head's trained parameters and, unless they are constants, the features
  std::vector<MovingUpdate> updates;
  Int macs = 0;  // of both directions
};

Tensor random_tensor(const Shape& shape, const std::string& name) {
  Tensor values = Tensor::empty(shape, DType::f64, Device::reference);
  initialise(values, {Init::Kind::uniform, 1}, Random(7, name));
  return values;
}

// The paper's head in small, on features of 2 x 3 positions.
Run run(Mode mode, bool fuse) {
  Chain head = paper_head(5, 3, {.heads = 2, .head_size = 3, .hidden = 4}, Keras::v3);
  Tensors trained;
  std::vector<Tensor*> wrt;
  head.visit([&](const std::string& path, Parameter& p) {
    p.value = random_tensor(p.shape, path);
    if (path.ends_with("moving_variance"))
      for (Int c = 0; c < p.shape.elements(); ++c) p.value.mutable_data<double>()[c] += 2;
    p.trainable = mode != Mode::finetune || p.role != Parameter::Role::norm;
    if (p.trains()) wrt.push_back(&p.value);
  });
  Tensor x = random_tensor({4, 2, 3, 5}, "features");
  if (mode != Mode::transfer) wrt.push_back(&x);
  Context context{.training = mode != Mode::inference, .random = Random(3), .fuse = fuse};
  Run out;
  {
    const Observer observer(
        [&](const Observation& seen) { out.macs += seen.call.macs(seen.inputs, seen.outputs); });
    auto [y, gradients] = value_and_gradient([&] { return mean(square(head(x, context)), {0, 1}); }, wrt);
    out.y = y;
    out.gradients = gradients;
  }
  out.updates = context.updates;
  return out;
}

void check_close(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto one = a.values(), other = b.values();
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK(std::abs(one[i] - other[i]) <= 1e-13 * (1 + std::abs(other[i])));
}

}  // namespace

TEST_CASE("the paper's head gives the same whether its neighbours run together or apart") {
  for (const Mode mode : {Mode::inference, Mode::finetune, Mode::transfer, Mode::scratch}) {
    CAPTURE(static_cast<int>(mode));
    const Run together = run(mode, true), apart = run(mode, false);
    check_close(together.y, apart.y);
    REQUIRE(together.gradients.size() == apart.gradients.size());
    for (std::size_t k = 0; k < apart.gradients.size(); ++k) {
      CAPTURE(k);
      check_close(together.gradients[k], apart.gradients[k]);
    }
    REQUIRE(together.updates.size() == apart.updates.size());
    for (std::size_t k = 0; k < apart.updates.size(); ++k)
      check_close(together.updates[k].batch, apart.updates[k].batch);
    CHECK((together.macs < apart.macs) == (mode != Mode::scratch));
  }
}

TEST_CASE("whoever looks at the outputs of layers sees the head's apart") {
  Chain head = paper_head(5, 3, {.heads = 2, .head_size = 3, .hidden = 4}, Keras::v3);
  head.visit([&](const std::string& path, Parameter& p) { p.value = random_tensor(p.shape, path); });
  std::vector<std::string> seen;
  Context context;
  context.on_output = [&](const std::string& path, Tensor&) { seen.push_back(path); };
  head(random_tensor({1, 2, 3, 5}, "features"), context);
  CHECK(seen == std::vector<std::string>{"batch_normalization", "multi_head_attention",
                                         "batch_normalization_1", "global_average_pooling2d", "dense",
                                         "dense_1"});
}
