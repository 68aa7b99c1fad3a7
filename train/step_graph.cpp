#include "train/step_graph.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>

#include "autograd/tape.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/graph.h"
#include "tensor/gpu/numbers.h"
#include "tensor/gpu/policy.h"
#include "tensor/gpu/ranges.h"
#include "tensor/out_of_memory.h"

namespace sonograd {
namespace {

// What a graph is made for beside the weights: with another setting other work would have to be recorded.
struct Setting {
  const Model* model;
  const Optimizer* optimizer;
  bool features, dropout, recompute;
  Precision precision;
  std::optional<double> norm_momentum;
  std::uint64_t random;
  gpu::Policy policy;

  bool operator==(const Setting&) const = default;
};

// Where a parameter lies, which the graph reads and may write.
struct Held {
  Tensor value;
  bool trains;
  bool written = true;        // by the graph, or it is not yet known to be not
  std::uint64_t version = 0;  // otherwise, as it was recorded
};

Shape input_shape(const Batch& batch, const StepOptions& options) {
  if (!options.features) return batch.images.shape();
  Shape shape = options.features->values.shape();
  shape[0] = static_cast<Int>(batch.samples.size());
  return shape;
}

}  // namespace

class StepGraph::Recorded {
 public:
  Recorded(Model& model, const Setting& setting, const Shape& shape) : setting(setting), shape(shape) {
    for (const auto& [name, parameter] : model.parameters())
      held.push_back({parameter->value.detach(), parameter->trains()});
  }

  // Whether the weights lie where they lay, and none but what the graph writes was changed: ops keep what
  // they made of the others.
  bool serves(const Setting& now, Model& model) const {
    const auto parameters = model.parameters();
    return now == setting && now.optimizer->steps == steps && parameters.size() == held.size() &&
           std::equal(held.begin(), held.end(), parameters.begin(), [](const Held& was, const auto& named) {
             const Tensor& value = named.parameter->value;
             return value.storage() == was.value.storage() && value.region() == was.value.region() &&
                    named.parameter->trains() == was.trains &&
                    (was.written || !value.storage()->written_since(was.version, value.region()));
           });
  }

  StepResult update(Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                    const StepOptions& options, Optimizer& optimizer, double learning_rate) {
    const gpu::NamedRange range([&] { return fmt::format("update {}", options.step + 1); });
    if (!targets.defined()) prepare(trained, batch, static_cast<Int>(model.options().classes.size()));
    optimizer.begin(trained, learning_rate);
    give(model, batch, options, optimizer.rate);
    const auto work = [&] { put_on_stream(model, trained, batch, options, optimizer); };
    if (rehearsed) {
      if (!graph.recorded()) record(model, trained, optimizer, work);
      graph.launch();
      for (Held& each : held)
        if (each.written) each.value.mutable_gpu_data<float>();  // which others learn by the version
    } else {
      graph.rehearse(work);
      rehearsed = true;
    }
    gpu::synchronise();
    return read(model, batch, options, optimizer);
  }

  // Asks for the memory that update() takes, and changes nothing.
  void attempt(const Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
               const StepOptions& options) {
    prepare(trained, batch, static_cast<Int>(model.options().classes.size()));
    give(model, batch, options, 0);
    const gpu::LiveNumbers::Scope live(numbers);
    graph.rehearse([&] { differentiate(model, trained, batch, options); });
  }

  const Setting setting;
  const Shape shape;  // of the pictures or features
  Int steps = 0;      // the optimizer's, so far
  bool launches() const { return rehearsed && graph.recorded(); }

 private:
  void prepare(const std::vector<NamedParameter>& trained, const Batch& batch, Int classes) {
    const auto count = static_cast<Int>(batch.labels.size());
    input = allocating([] { return std::string("the graph's input"); },
                       [&] { return Tensor::empty(shape, DType::f32, Device::gpu); });
    targets = Tensor::empty({count, classes}, DType::f32, Device::gpu);
    loss.emplace(1);
    squares.emplace(static_cast<Int>(trained.size()), DType::f64);
    logits.emplace(count * classes);
  }

  // What the update reads that is not the update's own.
  void give(const Model& model, const Batch& batch, const StepOptions& options, double rate) {
    const Context context = training_context(model, batch, options);
    numbers.set({.step = context.random.step(),
                 .first_sample = static_cast<std::uint64_t>(context.first_sample),
                 .rate = static_cast<float>(rate)});
    input.assign(options.features ? options.features->of(batch.samples) : batch.images);
    targets.assign(
        one_hot_targets(batch.labels, targets.size(1), options.class_weights, DType::f32, Device::cpu));
  }

  struct Differentiated {
    Tensor loss, squares, logits;
    Tensors gradients;
    std::vector<MovingUpdate> updates;
  };
  Differentiated differentiate(const Model& model, const std::vector<NamedParameter>& trained,
                               const Batch& batch, const StepOptions& options) {
    Context context = training_context(model, batch, options);
    Differentiated result;
    const auto loss = [&] {
      return loss_of(model, input, options, context, [&](const Tensor& y) {
        result.logits = y;
        return targets;
      });
    };
    std::tie(result.loss, result.gradients) = value_and_gradient(loss, values_of(trained));
    result.squares = squared_norms(result.gradients);
    result.updates = std::move(context.updates);
    return result;
  }

  // The update, to be run or recorded. It reads nothing on the host.
  void put_on_stream(const Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                     const StepOptions& options, Optimizer& optimizer) {
    const gpu::LiveNumbers::Scope live(numbers);
    const Differentiated made = differentiate(model, trained, batch, options);
    numbers.expect_finite(made.loss);
    numbers.expect_finite(made.squares);
    apply_updates(made.updates);
    optimizer.change(trained, 0, made.gradients);
    loss->copy(made.loss);
    squares->copy(made.squares);
    logits->copy(made.logits.as_dense());
  }

  void record(Model& model, const std::vector<NamedParameter>& trained, Optimizer& optimizer,
              const std::function<void()>& work) {
    for (Held& each : held) each.version = each.value.storage()->version();
    for (const auto& [name, tensor] : optimizer.state(trained)) moments.push_back(tensor);
    graph.record(work);
    for (Held& each : held)
      each.written = each.value.storage()->written_since(each.version, each.value.region());
    expect(model.parameters().size() == held.size(), "a model's parameters changed while it was recorded");
  }

  StepResult read(Model& model, const Batch& batch, const StepOptions& options, Optimizer& optimizer) {
    const double* const first = squares->values<double>();
    const double sum = std::accumulate(first, first + squares->elements(), 0.0);
    if (!std::isfinite(*loss->values<float>()) || !std::isfinite(sum)) {
      --optimizer.steps;  // nothing was changed
      gradients_of(model, batch, options);
      throw NotFinite("update {}: a number is not finite in its graph alone; train without --cuda-graph",
                      options.step + 1);
    }
    steps = optimizer.steps;
    const std::vector<double> outputs(logits->values<float>(), logits->values<float>() + logits->elements());
    return {.loss = static_cast<double>(*loss->values<float>()),
            .correct = count_correct(Tensor::of(targets.shape(), outputs), batch.labels)};
  }

  std::vector<Held> held;
  Tensors moments;
  gpu::LiveNumbers numbers;
  Tensor input, targets;
  std::optional<gpu::Readout> loss, squares, logits;
  bool rehearsed = false;
  gpu::Graph graph;  // let go before what it reads
};

StepGraph::StepGraph() = default;
StepGraph::~StepGraph() = default;

bool StepGraph::launched() const {
  return launched_last;
}

StepResult StepGraph::update(Model& model, const std::vector<NamedParameter>& trained, const Batch& batch,
                             const StepOptions& options, Optimizer& optimizer, double learning_rate) {
  expect(options.group->alone() && !options.on_gradient && !options.sync_batch_norm && !options.loss_scale,
         "a graph of an update is one process's, keeps the gradients to itself and scales no loss");
  launched_last = false;
  const Shape shape = input_shape(batch, options);
  const Setting setting{&model,
                        &optimizer,
                        options.features != nullptr,
                        options.dropout,
                        options.recompute,
                        options.precision,
                        options.norm_momentum,
                        options.random.key(),
                        gpu::policy()};
  if (graph && !graph->serves(setting, model)) graph.reset();
  if (graph && graph->shape.elements() < shape.elements()) graph.reset();
  if (!graph || graph->shape != shape) {
    StepResult result = train_step(model, trained, batch, options, optimizer, learning_rate);
    if (!graph) graph = std::make_unique<Recorded>(model, setting, shape);
    graph->steps = optimizer.steps;
    return result;
  }
  const auto by_graph = [&] {
    try {
      StepResult result = graph->update(model, trained, batch, options, optimizer, learning_rate);
      launched_last = graph->launches();
      return result;
    } catch (const OutOfMemory&) {  // met before anything is changed
      optimizer.steps = graph->steps;
      graph.reset();
      throw;
    }
  };
  const auto attempt = [&](Int n) {
    const Batch part = first_of(batch, n);
    Recorded(model, setting, input_shape(part, options)).attempt(model, trained, part, options);
  };
  try {
    return within_memory(static_cast<Int>(batch.labels.size()), by_graph, attempt,
                         "; --cuda-graph keeps a step's memory beside that of all else");
  } catch (const gpu::Failure& failure) {
    throw Error("update {}, as a graph: {}; train without --cuda-graph, from the last checkpoint on",
                options.step + 1, failure.what());
  }
}

}  // namespace sonograd
