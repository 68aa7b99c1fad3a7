#include "apps/training.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "apps/evidence.h"
#include "apps/out_folder.h"
#include "apps/stop.h"
#include "base/parallel.h"
#include "report/manifest.h"
#include "train/checkpoint.h"
#include "train/distributed/gpu_group.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

double default_rate(TrainingPhase phase) {
  return phase == TrainingPhase::finetune ? 1e-5 : 1e-3;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool changes_images(const TrainingFlags& flags) {
  return contains(flags.augment, "jitter") || contains(flags.augment, "flip");
}

FitOptions fit_options(const TrainingFlags& flags, const SharedFlags& shared, const PreparedData& data,
                       Keras keras, Group& group, Device device) {
  FitOptions o;
  o.seed = shared.seed;
  o.batch = flags.batch;
  o.patience = flags.patience;
  if (flags.class_weights == "balanced")
    o.class_weights =
        balanced_weights(data.labels, data.split.train, static_cast<Int>(data.folder.classes.size()));
  if (flags.clip_norm > 0) o.clip_norm = flags.clip_norm;
  o.accumulate = flags.accumulate;
  o.schedule = flags.schedule == "cosine" ? Schedule::cosine : Schedule::constant;
  o.optimizer = optimizer_named(flags.optimizer);
  o.momentum = flags.momentum;
  o.split = split_hash(data.folder, data.split);
  o.dropout = !flags.no_dropout;
  o.recompute = flags.recompute;
  o.cuda_graph = flags.cuda_graph && device == Device::gpu;
  o.precision = precision_named(flags.dtype);
  o.augmentation = {contains(flags.augment, "jitter"), contains(flags.augment, "flip"), keras};
  o.transfer = transfer_of(flags);
  o.norm_momentum = flags.norm_momentum;
  o.stop_when_perfect = flags.split.protocol == "paper";
  o.checkpoint_steps = flags.checkpoint_steps;
  o.resume = flags.resume;
  o.quiet = shared.quiet;
  o.stop = stop_signal;
  o.group = &group;
  o.sync_batch_norm = flags.sync_batch_norm;
  return o;
}

void say(const SharedFlags& shared, const std::string& line) {
  if (!shared.quiet) std::fprintf(stderr, "%s\n", line.c_str());
}

// What a run found that was finished before it was resumed.
int repeat_results(const RunFolder& run, const SharedFlags& shared) {
  const Metrics metrics = read_metrics(run.metrics());
  if (shared.json) {
    fmt::print("{}\n", metrics_json(metrics));
    return 0;
  }
  fmt::print("{} is finished, there is nothing to resume: test accuracy {}/{} = {:.1f} %\nreport: {}\n",
             run.path().string(), metrics.correct, metrics.n, 100 * metrics.accuracy, run.report().string());
  if (std::filesystem::exists(run.best()))
    fmt::print("to train on: a new --out with --weights {} and --phases scratch or finetune\n",
               shell_word(run.best().string()));
  return 0;
}

}  // namespace

void warn_of_new_run(bool resume, const RunFolder& run) {
  if (!resume || run.finished() || std::filesystem::exists(run.checkpoint())) return;
  const std::string path = run.path().string();
  const std::string what =
      run.started()
          ? fmt::format("the run at {} was broken off before its first checkpoint; it begins anew", path)
          : fmt::format("there is no run at {} to resume; a new one begins there", path);
  std::fprintf(stderr, "sonograd: warning: %s\n", what.c_str());
}

void check_graph(const TrainingFlags& flags, const Group& group) {
  if (!flags.cuda_graph) return;
  const char* const other =
      flags.accumulate > 1   ? "--accumulate makes one of several batches"
      : flags.clip_norm > 0  ? "--clip-norm changes the gradients before it"
      : flags.dtype == "f16" ? "--dtype f16 (bf16 may stay) looks whether the gradients overflowed before it"
      : !group.alone()       ? "several processes exchange the gradients before it"
                             : nullptr;
  if (other)
    throw UsageError("--cuda-graph records a batch's update as a whole, and {}; leave one of them out",
                     other);
}

Transfer transfer_of(const TrainingFlags& flags) {
  const bool exact = flags.transfer.empty() ? flags.split.protocol == "paper" || changes_images(flags)
                                            : flags.transfer == "exact";
  return exact ? Transfer::exact : Transfer::cached;
}

std::vector<PhasePlan> phase_plan(const TrainingFlags& flags) {
  std::vector<std::string> names = flags.phases;
  if (names.empty())
    names = flags.model.weights.empty() ? std::vector<std::string>{"scratch"}
                                        : std::vector<std::string>{"transfer", "finetune"};
  if (!flags.rates.empty() && flags.rates.size() != names.size())
    throw UsageError("--lr has {} rates for {} phases; give one for each", flags.rates.size(), names.size());
  if (flags.momentum > 0 && flags.optimizer != "sgd")
    throw UsageError("--momentum belongs to --optimizer sgd; adam has its own");
  if (flags.momentum >= 1)
    throw UsageError("--momentum {:g} would never forget a gradient; it lies in [0, 1)", flags.momentum);
  if (flags.model.fresh_head && flags.model.weights.empty())
    throw UsageError("--fresh-head keeps the base of --weights, which is not given");
  if (flags.transfer == "cached" && changes_images(flags))
    throw UsageError("--transfer cached keeps one view of each image, --augment makes a new one every epoch");
  std::vector<PhasePlan> plan;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const TrainingPhase phase = phase_named(names[i]);
    if (std::count(names.begin(), names.end(), names[i]) > 1)
      throw UsageError("--phases names {} twice; more --epochs train it for longer", names[i]);
    if (i == 0 && phase != TrainingPhase::scratch && flags.model.weights.empty() && !flags.random_base)
      throw UsageError(
          "--phases {} begins with a base that knows something: give --weights, or --random-base if you mean "
          "it; scratch trains from nothing",
          names[i]);
    plan.push_back({phase, flags.rates.empty() ? default_rate(phase) : flags.rates[i], flags.epochs});
  }
  if (!flags.transfer.empty() && !contains(names, "transfer"))
    throw UsageError("--transfer is of the phase transfer, and this run has {} alone; leave it out",
                     fmt::join(names, ","));
  return plan;
}

JoinedGpus::JoinedGpus(Program& program, Device device)
    : program(program), before(program.group), gpus(join_gpus(*before, device)) {
  if (gpus) program.group = gpus.get();
}
JoinedGpus::~JoinedGpus() {
  program.group = before;
}
void JoinedGpus::leave() {
  program.group = before;
  gpus.reset();
}

int run_training(const TrainingFlags& flags, const RunFolder& run, Program& program) {
  const SharedFlags& shared = program.shared;
  if (program.group->leads() && run.started()) expect_classifier_run(run);
  const std::vector<PhasePlan> plan = phase_plan(flags);
  check_graph(flags, *program.group);
  if (first_says(*program.group, run.finished())) {
    if (!program.group->leads()) return 0;
    expect_same_flags(run, flags, plan, shared.seed);
    return flags.tell ? repeat_results(run, shared) : 0;
  }
  if (program.group->leads() && flags.resume && std::filesystem::exists(run.checkpoint()))
    check_checkpoint(run.checkpoint());  // before minutes are spent on the images
  const Device device = prepare_device(shared, {flags.dtype, flags.cuda_graph});
  JoinedGpus joined(program, device);
  Group& group = *program.group;
  expect_outside(run.path(), flags.data);
  Dataset folder = list_folder(flags.data, flags.model.classes);
  Model model = open_model_to_train(flags.model, shared, device, flags.split.protocol, folder.classes);
  const ProtocolOptions protocol = protocol_options(flags.split, shared, model.options().keras);
  if (looks_for_duplicates(protocol))
    say(shared, fmt::format("looking for near duplicates among {} images", folder.size()));
  const PreparedData data = prepare(std::move(folder), model.options().image_size, protocol);
  const std::size_t excluded = data.split.excluded.size();
  if (!data.folder.bad.empty())
    say(shared, fmt::format("{} files cannot be read and are left out (manifest.json says why)",
                            data.folder.bad.size()));
  if (data.folder.ignored > 0)
    say(shared,
        fmt::format("{} files in the class folders are passed over: by their names neither .png, .jpg "
                    "nor .bmp",
                    data.folder.ignored));
  say(shared, fmt::format("{} · {} images: {} to train, {} to validate, {} to test{} · {}{} threads",
                          model.options().name, data.folder.size(), data.split.train.size(),
                          data.split.validation.size(), data.split.test.size(),
                          excluded == 0 ? "" : fmt::format(", {} left out (split.json says why)", excluded),
                          group.alone() ? "" : fmt::format("{} processes of ", group.size()), threads()));

  std::optional<Evidence> evidence;  // the first process's
  if (group.leads()) {
    run.make();  // not before: bad input leaves nothing behind
    evidence.emplace(flags, program, plan, data, run);
  }
  const FitData fit_data{data.images, data.labels, data.split.train, data.split.validation};
  const FitOptions options = fit_options(flags, shared, data, model.options().keras, group, device);
  FitEvents events;
  if (evidence)
    events = {.begin = [&] { evidence->begin(model); },
              .base_cached = [&](bool drawn) { evidence->base_cached(drawn); },
              .loss_scaled = [&](const PhasePlan& phase,
                                 const LossScale& scale) { evidence->loss_scaled(phase, scale); },
              .phase_done = [&](const PhasePlan& phase) { evidence->phase_done(model, phase); }};
  const History history = [&] {
    const StopBetweenSteps loops_look;
    try {
      return fit(model, fit_data, plan, options, run, events);
    } catch (const Stopped&) {
      joined.leave();
      throw;
    }
  }();
  if (!evidence) return 0;
  evidence->finish(model, history);
  if (!flags.keep_checkpoint) std::filesystem::remove(run.checkpoint());
  return 0;
}

}  // namespace sonograd
