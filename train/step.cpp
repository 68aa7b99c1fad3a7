#include "train/step.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/tape.h"
#include "layers/across.h"
#include "ops/binary/binary.h"
#include "ops/cross_entropy/cross_entropy.h"
#include "ops/reduce/reduce.h"
#include "report/metrics.h"
#include "tensor/gpu/ranges.h"
#include "tensor/out_of_memory.h"
#include "train/distributed/buckets.h"

namespace sonograd {
namespace {

bool all_finite(const Tensor& x) {
  const Tensor dense = x.to(Device::cpu).as_dense();
  return with_type(x.dtype(), [&](auto zero) {
    const auto* const values = dense.data<decltype(zero)>();
    // x - x is 0 for every finite x, so the sum stays 0 unless one is not.
    decltype(zero) sum = 0;
    for (Int i = 0; i < dense.elements(); ++i) sum += values[i] - values[i];
    return sum == 0;
  });
}

// What stops a step, to be named by name_the_culprit; `seen_in` is where it came to light.
struct FoundNotFinite {
  std::string seen_in;
};

void expect_finite(double value, const std::string& name) {
  if (!std::isfinite(value)) throw FoundNotFinite{name};
}

// Of the images of the whole batch, those that this part of it counts for.
double share_of(const Batch& batch) {
  return batch.whole == 0 ? 1 : static_cast<double>(batch.counted) / static_cast<double>(batch.whole);
}

// Each process's statistics, by its share: all move the averages alike.
void share_updates(std::vector<MovingUpdate>& updates, Group& group, double share) {
  Buckets buckets(group, updates.size());
  for (std::size_t i = 0; i < updates.size(); ++i)
    buckets.add(i, multiply(updates[i].batch, scalar_like(updates[i].batch, share)));
  const Tensors means = buckets.finish();
  for (std::size_t i = 0; i < updates.size(); ++i) updates[i].batch = means[i];
}

using Loss = std::function<Tensor()>;

double scale_of(const StepOptions& options) {
  return options.loss_scale ? options.loss_scale->value : 1;
}

// Of the loss, what backward starts from; the gradients' norm, once they are divided by its scale again.
Tensor cotangent_of(const StepOptions& options, double share, const Tensor& like) {
  return Tensor::filled({}, share * scale_of(options), like.dtype(), like.device());
}
double norm_unscaled(const StepOptions& options, Tensors& gradients) {
  if (options.loss_scale) multiply_each(gradients, 1 / scale_of(options));
  return global_norm(gradients);
}

// A finite loss whose gradients are not: they overflowed, unless there is no scale that may have done it.
void judge_gradients(const StepOptions& options, double norm, StepResult& result) {
  result.overflowed = !std::isfinite(norm) && scale_of(options) > LossScale::least;
  if (result.overflowed)
    result.gradients.clear();
  else
    expect_finite(norm, "a gradient");
}

// What is read on the host is read last: on a GPU the host waits for it, and the GPU would then for the host.
void differentiate_alone(const Loss& loss, const std::vector<NamedParameter>& trained,
                         const std::vector<Tensor*>& wrt, const StepOptions& options, StepResult& result) {
  GradientOptions each{.cotangent = cotangent_of(options, 1, *wrt[0])};
  if (options.on_gradient)
    each.on_gradient = [&](std::size_t which, const Tensor& gradient) {
      expect_finite(global_norm({gradient}), "the gradient of " + trained[which].name);
      options.on_gradient(which, gradient);
    };
  const auto finite_loss = [&] {
    Tensor value = loss();
    if (options.on_gradient) expect_finite(value.item(), "the loss");  // before anything changes by it
    return value;
  };
  auto [value, gradients] = value_and_gradient(finite_loss, wrt, each);
  result.gradients = std::move(gradients);
  const double norm = options.on_gradient ? 0 : norm_unscaled(options, result.gradients);
  expect_finite(result.loss = value.item(), "the loss");
  judge_gradients(options, norm, result);
}

void differentiate_together(const Loss& loss, const std::vector<Tensor*>& wrt, const Batch& batch,
                            const Tensor& logits, const StepOptions& options, StepResult& result) {
  Group& group = *options.group;
  Buckets buckets(group, wrt.size());
  const double share = share_of(batch);
  const Tensor value =
      value_and_gradient(loss, wrt,
                         {.cotangent = cotangent_of(options, share, *wrt[0]),
                          .on_gradient = [&](std::size_t k, const Tensor& g) { buckets.add(k, g); }})
          .first;
  result.gradients = buckets.finish();
  result.correct = count_correct(logits, batch.labels);
  const std::vector<double> sums =
      sum_over(group, {value.item() * share, batch.counted > 0 ? static_cast<double>(result.correct) : 0.0});
  result.loss = sums[0];
  result.correct = static_cast<Int>(sums[1]);
  expect_finite(result.loss, "the loss");
  judge_gradients(options, norm_unscaled(options, result.gradients), result);
}

StepResult compute(Model& model, const Batch& batch, const StepOptions& options) {
  const auto trained = trained_parameters(model);
  const std::vector<Tensor*> wrt = values_of(trained);
  Group& group = *options.group;
  const Across across{
      .sum = [&group](Tensor& x) { group.sum(x); }, .images = batch.whole, .share = share_of(batch)};

  Context context = training_context(model, batch, options);
  if (options.sync_batch_norm && !group.alone()) context.across = &across;
  StepResult result;
  Tensor given;
  const auto loss = [&] {
    const Tensor input =
        options.features ? options.features->of(batch.samples) : like_parameters(model, batch.images);
    return loss_of(model, input, options, context, [&](const Tensor& logits) {
      given = logits;
      return one_hot_targets(batch.labels, logits.size(1), options.class_weights, logits.dtype(),
                             logits.device());
    });
  };
  if (group.alone()) {
    differentiate_alone(loss, trained, wrt, options, result);
    result.correct = count_correct(given, batch.labels);
  } else {
    differentiate_together(loss, wrt, batch, given, options, result);
  }
  if (result.overflowed) return result;
  result.updates = std::move(context.updates);
  if (!group.alone() && !options.sync_batch_norm) share_updates(result.updates, group, across.share);
  return result;
}

[[noreturn]] void name_the_culprit(Model& model, const Batch& batch, const StepOptions& options,
                                   const std::string& seen_in) {
  for (const auto& [name, parameter] : model.parameters())
    if (!all_finite(parameter->value))
      throw NotFinite(
          "update {}: {} holds a number that is not finite before any op has run; what the run saved before "
          "is intact; start from other weights or with a smaller learning rate, in another folder",
          options.step + 1, name);
  std::string culprit;
  double ops_before = 0;
  {
    const Observer observer([&](const Observation& seen) {
      if (!culprit.empty()) return;
      ++ops_before;
      for (const Tensor& y : seen.outputs)
        if (!all_finite(y))
          culprit = fmt::format("{}{}{}{}", seen.layer, seen.layer.empty() ? "" : ": ", seen.op.name,
                                seen.backward ? " in the backward pass" : "");
    });
    StepOptions again = options;
    again.on_gradient = {};  // what was changed already stays so
    try {
      compute(model, batch, again);
    } catch (const FoundNotFinite&) {
    }
  }
  // Of several processes the one that met it first.
  std::vector<double> met(static_cast<std::size_t>(options.group->size()), 0.0);
  met[static_cast<std::size_t>(options.group->rank())] =
      culprit.empty() ? std::numeric_limits<double>::max() : ops_before;
  met = sum_over(*options.group, met);
  options.group->broadcast(culprit, std::min_element(met.begin(), met.end()) - met.begin());
  throw NotFinite(
      "update {}: a number is not finite; {}; what the run saved before is intact; try {}a smaller learning "
      "rate or norm of the gradients, in another folder",
      options.step + 1, culprit.empty() ? "it was seen in " + seen_in : "the first came from " + culprit,
      options.precision == Precision::f16 ? "bf16, which reaches beyond f16's 65504, " : "");
}

Int images_in(const Batch& batch) {
  return static_cast<Int>(batch.labels.size());
}

// The gradients, not within_memory.
StepResult differentiate(Model& model, const Batch& batch, const StepOptions& options) {
  const gpu::NamedRange range([&] { return fmt::format("gradients of update {}", options.step + 1); });
  try {
    return compute(model, batch, options);
  } catch (const FoundNotFinite& found) {
    name_the_culprit(model, batch, options, found.seen_in);
  }
}

// The same for the first n images, in this process alone; changes nothing.
StepResult attempt(Model& model, const Batch& batch, Int n, StepOptions options) {
  options.on_gradient = {};
  options.group = &one_process();
  try {
    return compute(model, first_of(batch, n), options);
  } catch (const FoundNotFinite&) {
    return {};  // it is looked for at the end
  }
}

// train_step, not within_memory.
StepResult update(Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                  StepOptions options, Optimizer& optimizer, double learning_rate) {
  // On a GPU each look at a gradient would wait for it.
  const bool at_once = options.group->alone() && !options.loss_scale &&
                       trained.front().parameter->value.device() == Device::cpu;
  if (at_once) {
    optimizer.begin(trained, learning_rate);
    options.on_gradient = [&](std::size_t i, const Tensor& gradient) {
      optimizer.change(trained, i, {gradient});
    };
  }
  StepResult result = differentiate(model, batch, options);
  if (options.loss_scale) options.loss_scale->update(result.overflowed);
  if (result.overflowed) return result;
  apply_updates(result.updates);
  if (!at_once) optimizer.update(trained, result.gradients, learning_rate);
  return result;
}

}  // namespace

std::vector<NamedParameter> trained_parameters(Model& model) {
  std::vector<NamedParameter> trained;
  for (const NamedParameter& p : model.parameters())
    if (p.parameter->trains()) trained.push_back(p);
  return trained;
}

std::vector<Tensor*> values_of(const std::vector<NamedParameter>& parameters) {
  std::vector<Tensor*> values;
  values.reserve(parameters.size());
  for (const NamedParameter& p : parameters) values.push_back(&p.parameter->value);
  return values;
}

Batch first_of(const Batch& batch, Int n) {
  const auto part = [n](const std::vector<Int>& all) {
    return std::vector<Int>(all.begin(), all.begin() + std::min(n, static_cast<Int>(all.size())));
  };
  return {batch.images.defined() ? batch.images.slice(0, 0, n) : Tensor(), part(batch.labels),
          part(batch.samples)};
}

Context training_context(const Model& model, const Batch& batch, const StepOptions& options) {
  return {.training = true,
          .dropout = options.dropout,
          .keras = model.options().keras,
          .norm_momentum = options.norm_momentum,
          .random = options.random.stream("dropout").at(static_cast<std::uint64_t>(options.step)),
          .first_sample = options.first_sample + batch.first,
          .precision = options.precision,
          .recompute = options.recompute};
}

Tensor loss_of(const Model& model, const Tensor& input, const StepOptions& options, Context& context,
               const std::function<Tensor(const Tensor& logits)>& targets) {
  const Tensor logits = options.features ? model.classify(input, context) : model.logits(input, context);
  return mean(softmax_cross_entropy(logits, targets(logits.detach())), {0});
}

StepResult gradients_of(Model& model, const Batch& batch, const StepOptions& options) {
  return within_memory(
      images_in(batch), [&] { return differentiate(model, batch, options); },
      [&](Int n) { attempt(model, batch, n, options); });
}

StepResult train_step(Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                      StepOptions options, Optimizer& optimizer, double learning_rate) {
  const gpu::NamedRange range([&] { return fmt::format("update {}", options.step + 1); });
  return within_memory(
      images_in(batch), [&] { return update(model, trained, batch, options, optimizer, learning_rate); },
      [&](Int n) {
        optimizer.state(trained);  // from the second update on the moments are there beside the gradients
        attempt(model, batch, n, options);
      });
}

Tensor like_parameters(const Model& model, const Tensor& images) {
  const Tensor& some = model.parameters().front().parameter->value;
  return images.to(some.dtype()).to(some.device());
}

Int count_correct(const Tensor& logits, const std::vector<Int>& labels) {
  Int correct = 0;
  const std::vector<double> all = logits.values();
  auto row = all.begin();
  for (const Int label : labels) {
    correct += argmax(std::vector<double>(row, row + logits.size(1))) == label;
    row += logits.size(1);
  }
  return correct;
}

Tensor one_hot_targets(const std::vector<Int>& labels, Int classes, const std::vector<double>& class_weights,
                       DType dtype, Device device) {
  std::vector<double> values(labels.size() * static_cast<std::size_t>(classes), 0.0);
  for (std::size_t row = 0; row < labels.size(); ++row) {
    expect(0 <= labels[row] && labels[row] < classes, "image {} of the batch has label {}, of {} classes",
           row, labels[row], classes);
    const auto label = static_cast<std::size_t>(labels[row]);
    values[row * static_cast<std::size_t>(classes) + label] =
        class_weights.empty() ? 1.0 : class_weights[label];
  }
  return Tensor::of({static_cast<Int>(labels.size()), classes}, values, dtype, device);
}

}  // namespace sonograd
