#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/training.h"
#include "base/file.h"
#include "models/model_file.h"
#include "train/evaluate.h"
#include "train/settings.h"
#include "train/step_graph.h"

namespace sonograd {

// train --steps N: consecutive batches over all images, wrapping round so that each is full; for comparison
// with other frameworks.
int run_fixed_steps(const TrainingFlags& flags, const FixedSteps& fixed, Program& program) {
  const SharedFlags& shared = program.shared;
  if (!fixed.no_shuffle) throw UsageError("--steps runs over all images in order: say so with --no-shuffle");
  std::vector<PhasePlan> plan = phase_plan(flags);
  if (flags.phases.empty()) plan = {{TrainingPhase::scratch, flags.rates.empty() ? 1e-3 : flags.rates[0], 1}};
  if (plan.size() != 1) throw UsageError("--steps trains one phase, --phases names {}", plan.size());
  const Device device = prepare_device(shared, {flags.dtype, flags.cuda_graph});
  const JoinedGpus joined(program, device);
  Group& group = *program.group;
  check_graph(flags, group);
  const RunFolder run = group.leads() ? RunFolder::check(flags.out) : RunFolder::at(flags.out);

  Dataset folder = list_folder(flags.data, flags.model.classes);
  Model model = open_model_to_train(flags.model, shared, device, flags.split.protocol, folder.classes);
  const Int size = model.options().image_size;
  const ImageSet images = read_images(folder, size, size, on_bad_file_named(flags.split.on_bad_file));
  const std::vector<Int> labels = folder.labels();
  freeze_for(model, plan[0].phase);
  std::vector<Int> all(static_cast<std::size_t>(folder.size()));
  std::iota(all.begin(), all.end(), 0);
  const FitOptions options{.seed = shared.seed,
                           .batch = flags.batch,
                           .optimizer = optimizer_named(flags.optimizer),
                           .momentum = flags.momentum,
                           .dropout = !flags.no_dropout,
                           .precision = precision_named(flags.dtype),
                           .recompute = flags.recompute,
                           .group = &group,
                           .sync_batch_norm = flags.sync_batch_norm};
  if (!group.alone())
    expect_in_all(group, settings_of(model, {images, labels, all, {}}, plan, options) +
                             fmt::format("; {} steps", fixed.steps));
  const auto optimizer = make_optimizer(options.optimizer, options.momentum);
  const auto trained = trained_parameters(model);

  Loader loader(
      images, labels, all,
      {.batch = flags.batch, .shuffle = false, .wrap = true, .share = {group.rank(), group.size()}});
  loader.start(0);
  if (group.leads() && !fixed.log.empty()) check_folder(std::filesystem::absolute(fixed.log).parent_path());
  if (group.leads()) run.make();  // not before: bad input leaves nothing behind
  std::string log = "step,loss\n";
  double loss = 0;
  LossScale scale;
  StepGraph graph;
  for (Int step = 0; step < fixed.steps; ++step) {
    const Batch batch = loader.next();
    const StepOptions how{.dropout = options.dropout,
                          .recompute = options.recompute,
                          .precision = options.precision,
                          .random = Random(options.seed),
                          .step = step,
                          .first_sample = step * options.batch,
                          .group = &group,
                          .sync_batch_norm = options.sync_batch_norm,
                          .loss_scale = options.precision == Precision::f16 ? &scale : nullptr};
    const double rate = plan[0].learning_rate;
    const StepResult result = flags.cuda_graph && device == Device::gpu
                                  ? graph.update(model, trained, batch, how, *optimizer, rate)
                                  : train_step(model, trained, batch, how, *optimizer, rate);
    loss = result.loss;
    log += fmt::format("{},{:.9g}\n", step + 1, loss);
  }
  if (!group.leads()) return 0;
  save_model(model, run.last());
  if (!fixed.log.empty()) write_file_atomically(fixed.log, log);
  if (shared.json) {
    nlohmann::ordered_json json{{"steps", fixed.steps}, {"loss", loss}, {"weights", run.last().string()}};
    if (!fixed.log.empty()) json["log"] = fixed.log;
    if (options.precision == Precision::f16) json["skipped_updates"] = scale.skipped;
    print_json(json);
  } else {
    const std::string skipped =
        scale.skipped == 0 ? "" : fmt::format(" ({} updates skipped in f16)", scale.skipped);
    fmt::print("{} steps{}, loss of the last batch {:.6g}: {}\n", fixed.steps, skipped, loss,
               run.last().string());
  }
  return 0;
}

}  // namespace sonograd
