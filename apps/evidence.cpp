#include "apps/evidence.h"

#include <algorithm>
#include <cstdio>

#include "apps/fallbacks.h"
#include "base/file.h"
#include "base/instruction_set.h"
#include "base/parallel.h"
#include "data/png.h"
#include "explain/explain.h"
#include "explain/overlay.h"
#include "tensor/libraries.h"
#include "train/distributed/group.h"
#include "train/evaluate.h"
#include "train/linear_baseline.h"

namespace sonograd {
namespace {

constexpr Int gallery_size = 12;

bool has_batch_norms(const Model& model) {
  const auto parameters = model.parameters();
  return std::any_of(parameters.begin(), parameters.end(), [](const Named<const Parameter>& p) {
    return p.name.find("moving_variance") != std::string::npos;
  });
}

// Of one process as of several that share norms: what a batch norm takes its statistics from.
std::string norm_statistics(const TrainingFlags& f, const Group& group) {
  if (group.alone() || f.sync_batch_norm) return "of the whole batch";
  return "of each process's part of the batch where norms train, so the curve is not one process's";
}

// The flags that the numbers of a run depend on, whatever its model.
Pairs training_flags(const TrainingFlags& f) {
  return {{"batch", std::to_string(f.batch)},
          {"epochs", std::to_string(f.epochs)},
          {"patience", std::to_string(f.patience)},
          {"accumulate", std::to_string(f.accumulate)},
          {"clip-norm", fmt::format("{:g}", f.clip_norm)},
          {"norm-momentum", f.norm_momentum ? fmt::format("{:g}", *f.norm_momentum) : "the layers' own"},
          {"class-weights", f.class_weights},
          {"schedule", f.schedule},
          {"optimizer", f.optimizer},
          {"momentum", fmt::format("{:g}", f.momentum)},
          {"dropout", f.no_dropout ? "off" : "on"},
          {"dtype", f.dtype},
          {"transfer", name_of(transfer_of(f))},
          {"augment", fmt::format("{}", fmt::join(f.augment, ","))},
          {"protocol", f.split.protocol},
          {"arm", f.split.arm},
          {"target", std::to_string(f.split.target)},
          {"fold", f.split.folds > 0 ? fmt::format("{} of {}", f.split.fold, f.split.folds) : "none"},
          {"random-labels", f.split.random_labels ? "on" : "off"},
          {"on-bad-file", f.split.on_bad_file}};
}

Pairs resolved_flags(const TrainingFlags& f, const ModelOptions& model, const Group& group) {
  Pairs flags{{"model", model.name},
              {"weights", f.model.weights},
              {"image-size", std::to_string(model.image_size)},
              {"input", name_of(model.input)},
              {"pooling", name_of(model.pooling)},
              {"preprocess", std::string(name_of(model.preprocess))},
              {"keras", std::to_string(static_cast<int>(model.keras))},
              {"processes", std::to_string(group.size())},
              {"batch-norm statistics", norm_statistics(f, group)},
              {"recompute", f.recompute ? "on" : "off"},
              {"cuda-graph", f.cuda_graph ? "on" : "off"}};
  if (!group.alone()) flags.emplace_back("order of sums over the processes", group.order_of_sums());
  const Pairs others = training_flags(f);
  flags.insert(flags.end(), others.begin(), others.end());
  return flags;
}

Pairs facts_of(const PhasePlan& phase) {
  return {{"learning rate", fmt::format("{:g}", phase.learning_rate)},
          {"epochs at most", std::to_string(phase.epochs)}};
}

}  // namespace

void expect_classifier_run(const RunFolder& run) {
  expect(read_manifest(run.manifest()).model != gan_model,
         "{} is a run of `gan train`, which makes pictures and classifies none; give a run of `train`",
         run.path().string());
}

void expect_gan_run(const RunFolder& run) {
  const std::string model = read_manifest(run.manifest()).model;
  expect(model == gan_model, "{} is a run of `train` with model {}, no GAN; give a run of `gan train`",
         run.path().string(), model);
}

void expect_same_flags(const RunFolder& run, const TrainingFlags& flags, const std::vector<PhasePlan>& plan,
                       std::uint64_t seed) {
  const Manifest was = read_manifest(run.manifest());
  const auto same = [&](const std::string& name, const std::string& theirs, const std::string& ours) {
    expect(theirs == ours,
           "{} is finished, with {} {}, not {}; choose another --out, and to train on --weights {}",
           run.path().string(), name, theirs, ours, shell_word(run.best().string()));
  };
  Pairs now = training_flags(flags);
  if (!flags.model.name.empty()) now.emplace_back("model", flags.model.name);
  if (flags.model.image_size > 0) now.emplace_back("image-size", std::to_string(flags.model.image_size));
  for (const auto& [name, value] : now)
    for (const auto& [their_name, their_value] : was.flags)
      if (name == their_name) same(name, their_value, value);
  same("seed", std::to_string(was.seed), std::to_string(seed));
  std::vector<std::string> trained, asked;
  for (const auto& [name, facts] : was.phases) trained.push_back(name);
  for (const PhasePlan& phase : plan) asked.emplace_back(name_of(phase.phase));
  same("phases", fmt::format("{}", fmt::join(trained, ",")), fmt::format("{}", fmt::join(asked, ",")));
  for (std::size_t i = 0; i < plan.size(); ++i)
    for (const auto& [name, value] : facts_of(plan[i]))
      for (const auto& [their_name, their_value] : was.phases[i].second)
        if (name == their_name) same(fmt::format("{} of {}", name, trained[i]), their_value, value);
}

void describe_build(Manifest& manifest) {
  manifest.machine = this_machine();
  manifest.instruction_set = instruction_set();
  manifest.versions = {
      {"sonograd", SONOGRAD_VERSION}, {"compiler", __VERSION__}, {"oneDNN", onednn_version()}};
}

std::vector<Prediction> predictions_of(const Model& model, const Dataset& folder, const ImageSet& images,
                                       const std::vector<Int>& indices, Int batch, double* loss) {
  const Evaluation evaluation = evaluate(model, images, folder.labels(), indices, batch);
  if (loss) *loss = evaluation.loss;
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const LabelledFile& sample = folder.samples[static_cast<std::size_t>(indices[i])];
    predictions.push_back(
        {sample.file, sample.label, argmax(evaluation.probabilities[i]), evaluation.probabilities[i]});
  }
  return predictions;
}

Metrics metrics_of(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions,
                   double loss) {
  std::vector<Int> truth;
  std::vector<std::vector<double>> probabilities;
  for (const Prediction& p : predictions) {
    truth.push_back(p.truth);
    probabilities.push_back(p.probabilities);
  }
  Metrics metrics = measure(classes, truth, probabilities);
  metrics.loss = loss;
  return metrics;
}

void go_on_with(Manifest& manifest, const RunFolder& run) {
  if (!std::filesystem::exists(run.checkpoint())) return;
  Manifest first = read_manifest(run.manifest());
  if (first.threads != manifest.threads || first.instruction_set != manifest.instruction_set)
    std::fprintf(
        stderr,
        "sonograd: warning: the run began with %lld threads and %s, and goes on with %lld and %s: its "
        "numbers may differ in their last bits from those of an undisturbed run\n",
        static_cast<long long>(first.threads), first.instruction_set.c_str(),
        static_cast<long long>(manifest.threads), manifest.instruction_set.c_str());
  first.resumed.push_back({manifest.command, manifest.started, manifest.threads, manifest.instruction_set});
  manifest = std::move(first);
}

std::string unused_stem(const std::string& file, std::set<std::string>& used) {
  const std::string stem = std::filesystem::path(file).stem().string();
  std::string name = stem;
  for (int n = 2; !used.insert(name).second; ++n) name = fmt::format("{}-{}", stem, n);
  return name;
}

Evidence::Evidence(const TrainingFlags& flags, const Program& program, const std::vector<PhasePlan>& plan,
                   const PreparedData& data, const RunFolder& run)
    : flags(flags), program(program), data(data), run(run) {
  manifest.command = program.command_line;
  manifest.protocol = flags.split.protocol;
  manifest.data = std::filesystem::absolute(flags.data).lexically_normal().string();
  manifest.device = device_text(program.shared);
  manifest.seed = program.shared.seed;
  manifest.data_hash = data_hash(data.folder);
  manifest.split_hash = split_hash(data.folder, data.split);
  for (const std::string& name : data.folder.classes) manifest.classes.push_back({name});
  const auto count = [&](const std::vector<Int>& part, Int ClassCount::*which) {
    for (const Int i : part)
      ++(manifest.classes[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(i)])].*which);
  };
  count(data.split.train, &ClassCount::train);
  count(data.split.validation, &ClassCount::validation);
  count(data.split.test, &ClassCount::test);
  for (const UnreadableFile& bad : data.folder.bad) manifest.bad_files.push_back({bad.file, bad.reason});
  for (const PhasePlan& phase : plan) manifest.phases.emplace_back(name_of(phase.phase), facts_of(phase));
  manifest.threads = threads();
  manifest.started = utc_now();
  describe_build(manifest);
}

void Evidence::begin(const Model& model) {
  manifest.model = model.options().name;
  TrainingFlags resolved = flags;
  resolved.cuda_graph = flags.cuda_graph && manifest.device.rfind("gpu: ", 0) == 0;
  manifest.flags = resolved_flags(resolved, model.options(), *program.group);
  go_on_with(manifest, run);
  write_file_atomically(run.manifest(), manifest_json(manifest));  // first: it marks the folder as a run
  write_split(run.split(), data.folder, data.split);
}

void Evidence::say_of_phase(const std::string& phase, const std::string& fact, const std::string& value) {
  for (auto& [name, facts] : manifest.phases) {
    if (name != phase) continue;
    const auto known =
        std::find_if(facts.begin(), facts.end(), [&](const auto& one) { return one.first == fact; });
    if (known == facts.end()) facts.emplace_back(fact, value);
  }
  write_file_atomically(run.manifest(), manifest_json(manifest));
}

void Evidence::base_cached(bool drawn) {
  say_of_phase(name_of(TrainingPhase::transfer), "base's features",
               drawn ? "computed once, without its drop-connect and dropout"
                     : "computed once; nothing in it draws at random");
}

void Evidence::loss_scaled(const PhasePlan& phase, const LossScale& scale) {
  say_of_phase(name_of(phase.phase), "updates skipped in f16",
               fmt::format("{}; loss scale {:g} at the end", scale.skipped, scale.value));
}

void Evidence::phase_done(const Model& model, const PhasePlan& phase) {
  if (data.split.test.empty()) return;
  double loss = 0;
  const auto predictions =
      predictions_of(model, data.folder, data.images, data.split.test, flags.batch, &loss);
  const Metrics metrics = metrics_of(data.folder.classes, predictions, loss);
  write_predictions(run.path() / fmt::format("predictions-{}.csv", name_of(phase.phase)), data.folder.classes,
                    predictions);
  write_file_atomically(run.path() / fmt::format("metrics-{}.json", name_of(phase.phase)),
                        metrics_json(metrics));
}

std::vector<SampleImage> Evidence::samples() const {
  std::vector<SampleImage> list;
  for (std::size_t c = 0; c < data.folder.classes.size(); ++c) {
    Int taken = 0;
    for (const Int i : data.split.train) {
      if (data.labels[static_cast<std::size_t>(i)] != static_cast<Int>(c) || taken == 3) continue;
      list.push_back({data.folder.classes[c], data.folder.samples[static_cast<std::size_t>(i)].file,
                      encode_png(picture(data.images, i))});
      ++taken;
    }
  }
  return list;
}

std::vector<Baseline> Evidence::baselines() const {
  std::vector<Int> truth;
  for (const Int i : data.split.test) truth.push_back(data.labels[static_cast<std::size_t>(i)]);
  const auto classes = static_cast<Int>(data.folder.classes.size());
  std::vector<Int> counts(static_cast<std::size_t>(classes), 0);
  for (const Int i : data.split.train)
    ++counts[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(i)])];
  const Int majority = argmax(counts);
  const auto majority_right = static_cast<Int>(std::count(truth.begin(), truth.end(), majority));
  const std::vector<Int> linear =
      linear_baseline(data.images, data.labels, classes, data.split.train, data.split.test);
  Int linear_right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) linear_right += linear[i] == truth[i];
  const auto n = static_cast<Int>(truth.size());
  return {{"always " + data.folder.classes[static_cast<std::size_t>(majority)], majority_right, n},
          {"linear classifier on pixels", linear_right, n}};
}

// Mistakes first, as they teach the most; the rest in turn over the classes.
std::vector<ExplainedImage> Evidence::gallery(const Model& model,
                                              const std::vector<Prediction>& predictions) const {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < predictions.size() && chosen.size() < gallery_size / 2; ++i)
    if (predictions[i].predicted != predictions[i].truth) chosen.push_back(i);
  const auto classes = static_cast<Int>(data.folder.classes.size());
  std::vector<bool> used(predictions.size(), false);
  for (const std::size_t i : chosen) used[i] = true;
  for (Int turn = 0, missed = 0; static_cast<Int>(chosen.size()) < gallery_size && missed < classes; ++turn) {
    std::size_t i = 0;
    while (i < predictions.size() && (used[i] || predictions[i].truth != turn % classes ||
                                      predictions[i].predicted != predictions[i].truth))
      ++i;
    if (i == predictions.size()) {
      ++missed;
      continue;
    }
    missed = 0;
    used[i] = true;
    chosen.push_back(i);
  }
  std::vector<ExplainedImage> list;
  std::set<std::string> stems;
  make_folder(run.path() / "explanations");
  for (const std::size_t i : chosen) {
    const Int index = data.split.test[i];
    const Tensor input = images_for(model, data.images, std::span(&index, 1));
    const HeatMap map =
        explain(model, input, {.layer = last_feature_map(model, input, least_map_height), .blank = true});
    const Image image = picture(data.images, index);
    std::string name = predictions[i].file;
    std::replace(name.begin(), name.end(), '/', '_');
    const std::string stem = unused_stem(name, stems);
    write_npy(run.path() / "explanations" / (stem + ".npy"), map);
    write_png(run.path() / "explanations" / (stem + ".png"), overlay(enlarged(image), map));
    list.push_back({predictions[i], encode_png(image), encode_png(overlay(image, map, {.colour_bar = false})),
                    map.largest() > 0 ? "" : "the map is zero everywhere"});
  }
  return list;
}

void Evidence::finish(const Model& model, const History& history) {
  ReportData report;
  double loss = 0;
  report.predictions = predictions_of(model, data.folder, data.images, data.split.test, flags.batch, &loss);
  report.test = metrics_of(data.folder.classes, report.predictions, loss);
  write_predictions(run.predictions(), data.folder.classes, report.predictions);
  const bool ultrasound = data.folder.classes == ModelOptions{}.classes;
  report.title =
      fmt::format("{} on {}", model.options().name,
                  ultrasound ? "breast ultrasound" : fmt::format("{}", fmt::join(data.folder.classes, ", ")));
  report.lead = flags.lead;
  report.history = history;
  report.baselines = baselines();
  report.samples = samples();
  if (flags.explain) report.gallery = gallery(model, report.predictions);
  const Tensor some = images_for(model, data.images, std::span(data.split.test).first(1));
  const std::string layer = last_feature_map(model, some, least_map_height);
  report.explained_by = fmt::format(
      "Blue: not at all. Grad-CAM (the class's logit, plain mean of the gradients) of layer {}, the last one "
      "whose map has at least {} rows; `sonograd explain` takes the last of all, or --layer.",
      layer, least_map_height);
  report.notes = flags.notes;
  manifest.explained_layer = layer;
  if (manifest.device.find(fallback_text()) == std::string::npos) manifest.device += fallback_text();
  manifest.finished = utc_now();
  report.manifest = manifest;
  write_file_atomically(run.manifest(), manifest_json(manifest));
  write_report(report, run.path());
  write_file_atomically(run.metrics(), metrics_json(report.test));
  if (!flags.tell) return;
  const Interval& interval = report.test.accuracy_interval;
  if (program.shared.json) {
    fmt::print("{}\n", metrics_json(report.test));
    return;
  }
  fmt::print("test accuracy {}/{} = {:.1f} % (95 % interval {:.1f} to {:.1f} %)\n", report.test.correct,
             report.test.n, 100 * report.test.accuracy, 100 * interval.low, 100 * interval.high);
  for (const Baseline& baseline : report.baselines)
    fmt::print("  {}: {}/{} = {:.1f} %\n", baseline.name, baseline.correct, baseline.n,
               100.0 * static_cast<double>(baseline.correct) / static_cast<double>(baseline.n));
  const Baseline& largest_class = report.baselines.front();
  if (report.test.correct <= largest_class.correct)
    fmt::print("the model is no better than {}: it needs more epochs, more images or pretrained --weights\n",
               largest_class.name);
  const Epoch& last = history.back();
  if (last.phase == name_of(TrainingPhase::scratch) && !flags.norm_momentum && has_batch_norms(model) &&
      last.accuracy > last.val_accuracy + 0.25)
    fmt::print(
        "it knows its training images ({}) far better than others ({}): in a short training that may be "
        "batch "
        "norms' moving averages, which lag at 0.99; try --norm-momentum 0.9\n",
        percent(last.accuracy, 0), percent(last.val_accuracy, 0));
  const std::filesystem::path picture = std::filesystem::path(flags.data) / report.predictions[0].file;
  fmt::print("report: {}\nnext: {} explain --weights {} --layer {} --out maps {}\n", run.report().string(),
             shell_word(program.name), shell_word(run.best().string()), layer, shell_word(picture.string()));
}

}  // namespace sonograd
