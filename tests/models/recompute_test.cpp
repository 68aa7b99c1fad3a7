// Blocks whose inner values backward computes anew.
#include "layers/recompute.h"

#include <doctest/doctest.h>

#include "autograd/gradcheck.h"
#include "autograd/tape.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "models/zoo.h"
#include "ops/reduce/reduce.h"
#include "tensor/pool.h"
#include "tests/error_of.h"
#include "train/step.h"

using namespace sonograd;

namespace {

struct Step {
  double loss;
  std::vector<std::vector<double>> gradients, averages;
  Int kept_bytes;  // for backward, as it begins
};

Step step_of(const std::string& name, bool recompute) {
  Model model = make_model({.name = name, .image_size = 112});
  model.initialise(Random(3), DType::f32, Device::cpu);
  freeze_for(model, TrainingPhase::scratch);
  Batch batch{Tensor::empty({8, 112, 112, 3}, DType::f32, Device::cpu), {0, 1, 2, 0, 1, 2, 0, 1}, {}};
  initialise(batch.images, {Init::Kind::uniform, 127}, Random(5));
  const Int before = pool::live_bytes();
  Int kept = 0;
  StepResult result;
  {
    const Observer observer([&](const Observation& seen) {
      if (seen.backward && kept == 0) kept = pool::live_bytes() - before;
    });
    result = gradients_of(model, batch, {.recompute = recompute, .random = Random(7)});
  }
  Step step{result.loss, {}, {}, kept};
  for (const Tensor& gradient : result.gradients) step.gradients.push_back(gradient.values());
  apply_updates(result.updates);
  for (const auto& [path, parameter] : model.parameters())
    if (parameter->role == Parameter::Role::statistic) step.averages.push_back(parameter->value.values());
  return step;
}

Chain small_block() {
  Chain block;
  block.add("dense", dense(3, 4)).add("norm", batch_norm(4)).add("swish", ActivationLayer{Activation::swish});
  block.add("drop", DropoutLayer{0.3}).add("narrow", dense(4, 3));
  return block;
}

// The block's parameters, one after another, given values.
std::vector<Parameter*> filled_parameters(const Layer& layer) {
  std::vector<Parameter*> list;
  layer.visit([&](const std::string& path, Parameter& parameter) {
    parameter.value = Tensor::empty(parameter.shape, DType::f64, Device::reference);
    initialise(parameter.value, {Init::Kind::uniform, 1}, Random(1).stream(path));
    if (parameter.trains()) list.push_back(&parameter);
  });
  return list;
}

}  // namespace

TEST_CASE("recomputed blocks give the same bits in less memory") {
  for (const std::string name : {"mini", "efficientnetb0", "densenet121", "xception", "vit_s16"}) {
    CAPTURE(name);
    const Step kept = step_of(name, false), anew = step_of(name, true);
    CHECK(anew.loss == kept.loss);
    CHECK((anew.gradients == kept.gradients));
    CHECK((anew.averages == kept.averages));
    CHECK(anew.kept_bytes < 0.6 * kept.kept_bytes);
  }
}

TEST_CASE("the gradients of a recomputed block are those of central differences") {
  const Layer block = small_block();
  const std::vector<Parameter*> parameters = filled_parameters(block);
  Tensors inputs{Tensor::empty({5, 3}, DType::f64, Device::reference)};
  initialise(inputs[0], {Init::Kind::uniform, 1}, Random(2));
  for (const Parameter* parameter : parameters) inputs.push_back(parameter->value);
  const auto f = [&](const Tensors& given) -> Tensors {
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i]->value = given[i + 1];
    Context context{.training = true, .random = Random(4), .recompute = true};
    const Tensor y = run_named("block", block, given[0], context);
    CHECK(context.updates.size() == 2);  // of the norm's averages, once
    return {y};
  };
  const GradcheckResult result = gradcheck(f, inputs);
  CHECK_MESSAGE(result.ok, result.text);
}

TEST_CASE("of a recomputed block nothing is run again that no gradient reads") {
  const Layer block = small_block();
  filled_parameters(block);
  Tensor x = Tensor::filled({5, 3}, 0.5, DType::f64, Device::reference);
  Tape tape;
  tape.watch(x);
  Context context{.training = true, .random = Random(4), .recompute = true};
  const Tensor loss = sum(run_named("block", block, x, context), {0, 1});
  std::vector<std::string> again;
  {
    const Observer observer([&](const Observation& seen) {
      if (seen.op.name == "bias_activation") again.push_back(seen.layer);
    });
    tape.gradient(loss, {x});
  }
  CHECK(again == std::vector<std::string>{"block.dense"});  // and not block.narrow
}

TEST_CASE("a recomputed block is one call on the tape, and none without one") {
  const Layer block = small_block();
  filled_parameters(block);
  Tensor x = Tensor::filled({5, 3}, 0.5, DType::f64, Device::reference);
  Context context{.training = true, .random = Random(4), .recompute = true};
  CHECK(run_named("block", block, x, context).tape() == nullptr);
  Tape tape;
  tape.watch(x);
  {
    const NoGrad quiet;
    CHECK(run_named("block", block, x, context).tape() == nullptr);
  }
  const Tensor y = run_named("block", block, x, context);
  CHECK(tape.recorded() == 1);
  const Tensor loss = sum(y, {0, 1});
  CHECK(error_of([&] {
          tape.gradient(loss, {x}, {.record = true});
        }).find("the gradients of a recomputed block cannot be differentiated") != std::string::npos);
}
