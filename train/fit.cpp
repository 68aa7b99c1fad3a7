#include "train/fit.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <utility>

#include "autograd/tape.h"
#include "models/model_file.h"
#include "ops/binary/binary.h"
#include "report/progress.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/settings.h"
#include "train/step_graph.h"

namespace sonograd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What the batches since the last update ask for.
struct Pending {
  Tensors gradients;
  std::vector<MovingUpdate> updates;
  bool overflowed = false;  // of any of them
};

// share: the batch's part of the images of one update
void add(Pending& pending, StepResult& result, double share) {
  pending.overflowed = pending.overflowed || result.overflowed;
  if (pending.overflowed) return;
  if (share != 1.0) multiply_each(result.gradients, share);
  accumulate(pending.gradients, std::exchange(result.gradients, {}));
  pending.updates.insert(pending.updates.end(), result.updates.begin(), result.updates.end());
}

class Fit {
 public:
  Fit(Model& model, const FitData& data, const std::vector<PhasePlan>& plan, const FitOptions& options,
      const RunFolder& run)
      : model(model),
        data(data),
        plan(plan),
        options(options),
        run(run),
        settings(settings_of(model, data, plan, options)) {
    expect_in_all(group, settings);
  }

  History operator()(const FitEvents& events) {
    const bool goes_on = first_says(group, options.resume && std::filesystem::exists(run.checkpoint()));
    if (goes_on)
      state = load_checkpoint(run.checkpoint(), model, settings,
                              [this](Int phase) -> Optimizer& { return prepare(phase); });
    saved_step = state.step;
    group.barrier();  // all have read the checkpoint before the first process writes another
    if (events.begin) events.begin();
    if (!goes_on) start_phase(0);
    while (!state.finished) {
      if (!phase_is_over()) keep_features(events);
      while (!phase_is_over()) run_epoch();
      features.reset();
      end_phase(events);
    }
    return state.history;
  }

 private:
  const PhasePlan& phase() const { return plan[static_cast<std::size_t>(state.phase)]; }
  Int own_batch() const { return (options.batch + group.size() - 1) / group.size(); }
  Int batches() const { return (static_cast<Int>(data.train.size()) + options.batch - 1) / options.batch; }
  std::string epoch_name() const {
    return fmt::format("{} {}/{}", name_of(phase().phase), state.epoch + 1, phase().epochs);
  }
  Int images_per_update() const { return options.batch * options.accumulate; }
  Int updates() const { return (batches() + options.accumulate - 1) / options.accumulate; }  // of an epoch

  Optimizer& prepare(Int number) {
    expect(0 <= number && number < static_cast<Int>(plan.size()), "there is no phase {} among {}", number,
           plan.size());
    freeze_for(model, plan[static_cast<std::size_t>(number)].phase);
    trained = trained_parameters(model);
    graph.reset();
    if (options.cuda_graph) graph.emplace();
    optimizer = make_optimizer(options.optimizer, options.momentum);
    return *optimizer;
  }

  void start_phase(Int number) {
    state.phase = number;
    state.epoch = state.position = 0;
    state.stopping = {.patience = options.patience};
    state.best = {};
    state.stopped = false;
    state.loss_scale.reset();
    if (options.precision == Precision::f16) state.loss_scale.emplace();
    prepare(number);
    save();
  }

  bool told_to_stop() const { return any_says(group, options.stop && options.stop()); }
  bool phase_is_over() const { return state.stopped || state.epoch >= phase().epochs; }

  // The phase's result is its best weights; the next phase starts from them.
  void end_phase(const FitEvents& events) {
    if (group.leads()) load_values(model, run.best());
    for (const NamedParameter& p : model.parameters()) group.broadcast(p.parameter->value);
    if (events.loss_scaled && state.loss_scale) events.loss_scaled(phase(), *state.loss_scale);
    if (events.phase_done) events.phase_done(phase());
    const bool perfect = options.stop_when_perfect && state.best.best >= 1.0;
    if (state.phase + 1 < static_cast<Int>(plan.size()) && !perfect) return start_phase(state.phase + 1);
    state.finished = true;
    save();
  }

  // Where the phase's base gives the same for a picture in every epoch, or shall.
  void keep_features(const FitEvents& events) {
    if (phase().phase != TrainingPhase::transfer || options.augmentation.any()) return;
    std::vector<Int> pictures = data.train;
    pictures.insert(pictures.end(), data.validation.begin(), data.validation.end());
    const auto some = std::span(pictures).first(std::min<std::size_t>(4, pictures.size()));
    const bool draws = options.dropout && base_draws(model, data.images, some, Random(options.seed));
    if (draws && options.transfer == Transfer::exact) return;
    const auto count = static_cast<Int>(pictures.size());
    Progress progress("features", count, options.quiet);
    features = features_of(
        model, data.images, pictures, own_batch(),
        [&](Int done) { progress.update(done, done, "of the frozen base, once"); }, group);
    progress.finish();
    if (events.base_cached) events.base_cached(draws);
  }

  const BaseFeatures* kept() const { return features ? &*features : nullptr; }

  void run_epoch() {
    const auto start = Clock::now();
    const double seconds_before = state.seconds;
    Loader loader(
        data.images, data.labels, data.train,
        {.batch = options.batch, .augmentation = options.augmentation, .seed = options.seed, .share = share});
    loader.start(static_cast<Int>(state.history.size()), state.position / options.batch);
    Progress progress(epoch_name(), batches(),
                      {.quiet = options.quiet,
                       .done_before = state.position / options.batch,
                       .images_before = state.position});
    Pending pending;
    while (!loader.done()) {
      step(loader.next(), pending);
      const double seen = static_cast<double>(state.position);
      progress.update((state.position + options.batch - 1) / options.batch, state.position,
                      fmt::format("loss {:.4f} · accuracy {:.3f}", state.loss_sum / seen,
                                  static_cast<double>(state.correct) / seen));
      const bool between_updates = state.position % images_per_update() == 0 && !loader.done();
      const bool due = options.checkpoint_steps > 0 && state.step - saved_step >= options.checkpoint_steps;
      const bool stop = between_updates && told_to_stop();
      if (stop || (between_updates && due)) {
        state.seconds = seconds_before + seconds_since(start);
        save();
      }
      if (stop) {
        group.barrier();  // none ends before the checkpoint is there
        throw Stopped(state.step);
      }
    }
    end_epoch(seconds_before + seconds_since(start), progress);
    if (told_to_stop()) throw Stopped(state.step);  // all were asked after the first one had saved
  }

  void step(const Batch& batch, Pending& pending) {
    const auto n = static_cast<Int>(data.train.size());
    const Int end = state.position + batch.whole;
    const Int first_image = state.position / images_per_update() * images_per_update();
    const Int images = std::min(images_per_update(), n - first_image);
    const Int updates_before =
        static_cast<Int>(state.history.size()) * updates() + first_image / images_per_update();  // in the run
    const StepOptions how{.class_weights = options.class_weights,
                          .dropout = options.dropout,
                          .recompute = options.recompute,
                          .precision = options.precision,
                          .norm_momentum = options.norm_momentum,
                          .random = Random(options.seed),
                          .step = updates_before,
                          .first_sample = updates_before * images_per_update() + state.position - first_image,
                          .features = kept(),
                          .group = options.group,
                          .sync_batch_norm = options.sync_batch_norm,
                          .loss_scale = state.loss_scale ? &*state.loss_scale : nullptr};
    StepResult result;
    if (graph) {
      result = graph->update(model, trained, batch, how, *optimizer, rate());
    } else if (options.accumulate == 1 && !options.clip_norm) {
      result = train_step(model, trained, batch, how, *optimizer, rate());
    } else {
      result = gradients_of(model, batch, how);
      add(pending, result, static_cast<double>(end - state.position) / static_cast<double>(images));
      if (end == first_image + images) update(pending);
    }
    state.loss_sum += result.loss * static_cast<double>(end - state.position);
    state.correct += result.correct;
    state.position = end;
    ++state.step;
  }

  double rate() const {
    return scheduled_rate(options.schedule, phase().learning_rate, optimizer->steps,
                          phase().epochs * updates());
  }

  void update(Pending& pending) {
    auto& [gradients, updates, overflowed] = pending;
    if (state.loss_scale) state.loss_scale->update(overflowed);
    if (!overflowed) {
      apply_updates(updates);
      if (options.clip_norm) {
        const double norm = global_norm(gradients);
        if (norm > *options.clip_norm) multiply_each(gradients, *options.clip_norm / norm);
      }
      optimizer->update(trained, gradients, rate());
    }
    pending = {};
  }

  void end_epoch(double seconds, Progress& progress) {
    const auto seen = static_cast<double>(data.train.size());
    Epoch epoch{name_of(phase().phase), state.epoch + 1, state.loss_sum / seen,
                static_cast<double>(state.correct) / seen};
    epoch.seconds = seconds;
    const std::string name = epoch_name();
    bool better = true;
    if (!data.validation.empty()) {
      validate(epoch);
      better = state.best.improves(state.epoch, epoch.val_accuracy);
      state.stopped = state.stopping.stops(state.epoch, epoch.val_loss);
    }
    if (better && group.leads()) save_model(model, run.best());
    state.history.push_back(epoch);
    ++state.epoch;
    state.position = state.correct = 0;
    state.loss_sum = state.seconds = 0;
    save();
    std::string line = fmt::format("{} · loss {:.4f} · accuracy {:.3f}", name, epoch.loss, epoch.accuracy);
    if (!data.validation.empty())
      line += fmt::format(" · val_loss {:.4f} · val_accuracy {:.3f}{}", epoch.val_loss, epoch.val_accuracy,
                          better ? ", the phase's best so far" : "");
    if (state.loss_scale && state.loss_scale->skipped > 0)
      line += fmt::format(" · {} updates skipped so far, loss scale {:g}", state.loss_scale->skipped,
                          state.loss_scale->value);
    progress.finish(line);
  }

  // Each process its share of the images.
  void validate(Epoch& epoch) const {
    const auto n = static_cast<Int>(data.validation.size());
    const Int begin = share.begin(n), count = share.end(n) - begin;
    const auto part =
        std::span(data.validation).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    const Evaluation mine = evaluate(model, data.images, data.labels, part, own_batch(), kept());
    epoch.val_loss = mine.loss;
    epoch.val_accuracy = mine.accuracy();
    if (group.alone()) return;
    const auto sums =
        sum_over(group, {mine.loss * static_cast<double>(count), static_cast<double>(mine.correct)});
    epoch.val_loss = sums[0] / static_cast<double>(n);
    epoch.val_accuracy = sums[1] / static_cast<double>(n);
  }

  void save() {
    saved_step = state.step;
    if (!group.leads()) return;
    save_checkpoint(run.checkpoint(), model, *optimizer, state, settings);
    write_history(run.history(), state.history);
  }

  Model& model;
  const FitData& data;
  const std::vector<PhasePlan>& plan;
  const FitOptions& options;
  const RunFolder& run;
  Group& group = *options.group;
  const Share share{group.rank(), group.size()};
  const std::string settings;
  std::vector<NamedParameter> trained;
  std::unique_ptr<Optimizer> optimizer;
  std::optional<StepGraph> graph;        // of the phase's updates, where one is asked for
  std::optional<BaseFeatures> features;  // of this phase's frozen base
  Progression state;
  Int saved_step = 0;  // state.step of the last checkpoint
};

}  // namespace

const char* name_of(TrainingPhase phase) {
  switch (phase) {
    case TrainingPhase::scratch:
      return "scratch";
    case TrainingPhase::transfer:
      return "transfer";
    case TrainingPhase::finetune:
      return "finetune";
  }
  return "unknown";
}

const char* name_of(Transfer transfer) {
  return transfer == Transfer::exact ? "exact" : "cached";
}

TrainingPhase phase_named(const std::string& name) {
  for (const TrainingPhase phase : {TrainingPhase::scratch, TrainingPhase::transfer, TrainingPhase::finetune})
    if (name == name_of(phase)) return phase;
  throw UsageError("no phase is called {}; there are scratch, transfer and finetune", name);
}

History fit(Model& model, const FitData& data, const std::vector<PhasePlan>& plan, const FitOptions& options,
            const RunFolder& run, const FitEvents& events) {
  expect(!data.train.empty(), "there are no images to train on");
  expect(!plan.empty(), "there is no phase to train");
  expect(!options.cuda_graph || (options.accumulate == 1 && !options.clip_norm &&
                                 options.precision != Precision::f16 && options.group->alone()),
         "a graph of an update neither accumulates, clips nor scales gradients, and is one process's");
  return Fit(model, data, plan, options, run)(events);
}

std::vector<double> balanced_weights(const std::vector<Int>& labels, const std::vector<Int>& train,
                                     Int classes) {
  std::vector<double> counts(static_cast<std::size_t>(classes), 0.0);
  for (const Int i : train) ++counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
  for (double& count : counts)
    count = count == 0 ? 0 : static_cast<double>(train.size()) / (static_cast<double>(classes) * count);
  return counts;
}

}  // namespace sonograd
