#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "apps/evidence.h"
#include "apps/out_folder.h"
#include "base/file.h"
#include "report/evaluation_files.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

struct Flags {
  ModelFlags model;
  std::string data, run, out, on_bad_file;  // on_bad_file: empty, the run's or fail
  Int batch = 16;
};

// The folder's images; of a run those of its split, with what its arm added.
struct Loaded {
  Dataset folder;
  ImageSet images;
  std::vector<Int> tested;
};

Loaded load(const Flags& flags, const Model& model, const std::optional<RunFolder>& run = {}) {
  Dataset folder = list_folder(flags.data, model.options().classes);
  const Int size = model.options().image_size;
  const OnBadFile on_bad = on_bad_file_named(flags.on_bad_file);
  if (run) {
    PreparedData data = prepare_again(std::move(folder), size, run->split(), on_bad);
    expect(split_hash(data.folder, data.split) == read_manifest(run->manifest()).split_hash,
           "{} is not the split of this run, whose manifest names another: what it tests may have been "
           "trained on; "
           "put the run's own back, or give --weights and --data alone",
           run->split().string());
    return {std::move(data.folder), std::move(data.images), std::move(data.split.test)};
  }
  ImageSet images = read_images(folder, size, size, on_bad);
  std::vector<Int> all(static_cast<std::size_t>(folder.size()));
  std::iota(all.begin(), all.end(), 0);
  return {std::move(folder), std::move(images), std::move(all)};
}

int run_loss(const Flags& flags, const SharedFlags& shared) {
  const Model model = open_model(flags.model, shared, prepare_device(shared));
  const Loaded data = load(flags, model);
  const Evaluation e = evaluate(model, data.images, data.folder.labels(), data.tested, flags.batch);
  const nlohmann::ordered_json json{{"loss", e.loss}, {"accuracy", e.accuracy()}, {"n", data.folder.size()}};
  if (shared.json)
    print_json(json);
  else
    fmt::print("loss {:.9g}, accuracy {:.9g}, {} images\n", e.loss, e.accuracy(), data.folder.size());
  return 0;
}

void print(const Metrics& m, const SharedFlags& shared) {
  if (shared.json) {
    fmt::print("{}\n", metrics_json(m));
    return;
  }
  fmt::print("accuracy {}/{} = {:.1f} % (95 % interval {:.1f} to {:.1f} %)\n\n{}\n{}", m.correct, m.n,
             100 * m.accuracy, 100 * m.accuracy_interval.low, 100 * m.accuracy_interval.high,
             per_class_table(m).text(), confusion_table(m).text());
}

int run_evaluate(Flags flags, const SharedFlags& shared) {
  if (flags.run.empty() && (flags.data.empty() || flags.model.weights.empty()))
    throw UsageError("evaluate needs --run RUN, or --weights F and --data DIR");
  std::optional<RunFolder> run;
  if (!flags.run.empty()) {
    run = RunFolder::open(flags.run);
    expect_classifier_run(*run);
    expect(!flags.model.weights.empty() || std::filesystem::exists(run->best()), "{} holds no weights: {}",
           flags.run,
           run->finished() ? "it is finished, but best.safetensors is gone; put it back or give --weights"
                           : "its first epoch did not end; go on with `train --resume`");
    if (!run->finished())
      std::fprintf(stderr, "sonograd: warning: %s did not finish: these are its best weights so far\n",
                   flags.run.c_str());
    const Manifest manifest = read_manifest(run->manifest());
    if (flags.data.empty()) {
      flags.data = manifest.data;
      expect(std::filesystem::is_directory(flags.data),
             "{} was trained on {}, which is no folder here; say where the images are with --data DIR",
             flags.run, flags.data);
    }
    if (flags.model.weights.empty()) flags.model.weights = run->best().string();
    for (const auto& [name, value] : manifest.flags)
      if (name == "on-bad-file" && flags.on_bad_file.empty()) flags.on_bad_file = value;
  }
  const RunFolder out = RunFolder::at(flags.out);
  if (!flags.out.empty()) {  // before the work: it may fail
    const bool its_own = run && std::filesystem::exists(flags.out) && equivalent(run->path(), out.path());
    expect(its_own || !out.started(), "{} holds a run, whose results would be lost; choose another --out",
           flags.out);
    expect(!its_own || run->finished(),
           "{} holds a run that results would mark as finished; choose another --out", flags.out);
    expect_outside(flags.out, flags.data);
    check_folder(flags.out);
  }

  const Model model = open_model(flags.model, shared, prepare_device(shared));
  const Loaded data = load(flags, model, run);  // a run is tested again on the very images that it held out
  double loss = 0;
  const auto predictions = predictions_of(model, data.folder, data.images, data.tested, flags.batch, &loss);
  const Metrics metrics = metrics_of(data.folder.classes, predictions, loss);
  if (!flags.out.empty()) {
    make_folder(flags.out);
    write_predictions(out.predictions(), data.folder.classes, predictions);
    write_evaluation(metrics, predictions, out);
    write_file_atomically(out.metrics(), metrics_json(metrics));
  }
  print(metrics, shared);
  return 0;
}

void add_flags(const Command& command, Flags& flags) {
  add_model_flags(command, flags.model);
  command.add_option("--data", flags.data, "folder with a sub-folder a class");
  command.add_option("--batch", flags.batch, "images at once").check(positive()).capture_default_str();
  hide_flags(command, {"--batch-norm", "--attention", "--quiet"});
  command.add_option("--on-bad-file", flags.on_bad_file, "fail, or skip and list them; default fail")
      .check(one_of({"fail", "skip"}));
}

}  // namespace

void add_loss(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command =
      program.add("loss", "Mean cross-entropy and accuracy over a folder, in inference mode",
                  "  sonograd loss --weights run/best.safetensors --data busi --json",
                  [flags, &program] { return run_loss(*flags, program.shared); });
  add_flags(command, *flags);
  command.get_option("--weights").required();
  command.get_option("--data").required();
}

void add_evaluate(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add(
      "evaluate", "Metrics with intervals: of a run on its held-out images, or of weights on a folder",
      "  sonograd evaluate --run run\n  sonograd evaluate --weights run/best.safetensors --data other --out "
      "result",
      [flags, &program] { return run_evaluate(*flags, program.shared); });
  add_flags(command, *flags);
  command.add_option("--run", flags->run, "folder of a training run");
  command.get_option("--data").description("folder with a sub-folder a class; default the data of --run");
  command.get_option("--on-bad-file")
      .description("fail, or skip and list them; default the run's, else fail");
  command.add_option("--out", flags->out, "folder for metrics.json, predictions.csv, figures and tables");
}

}  // namespace sonograd
