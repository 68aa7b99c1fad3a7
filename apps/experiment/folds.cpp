#include <cmath>
#include <cstdio>
#include <numeric>

#include "apps/experiment/experiment.h"
#include "apps/experiment/folder.h"
#include "apps/out_folder.h"
#include "apps/training.h"
#include "base/file.h"
#include "report/table.h"
#include "train/checkpoint.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Flags {
  TrainingFlags training;  // of every run; its fold, seed and folder are set here
  Int folds = 5, runs = 1;
};

struct Fold {
  std::uint64_t seed;
  Int number;
  Int correct, n;
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(n); }
};

struct Folds {
  std::vector<Fold> each;
  Judged tests = {};  // of all: with one seed every image that takes part, once

  Int correct() const { return std::count(tests.right.begin(), tests.right.end(), true); }
  Int n() const { return static_cast<Int>(tests.right.size()); }
  double accuracy() const { return static_cast<double>(correct()) / static_cast<double>(n()); }
  // Of the folds' accuracies: other test images and, with other seeds, another start.
  double deviation() const {
    const auto count = static_cast<double>(each.size());
    double mean = 0, squares = 0;
    for (const Fold& fold : each) mean += fold.accuracy() / count;
    for (const Fold& fold : each) squares += (fold.accuracy() - mean) * (fold.accuracy() - mean);
    return std::sqrt(squares / (count - 1));
  }
};

Folds train_folds(const Flags& flags, Program& program) try {
  const std::uint64_t first_seed = program.shared.seed;
  KnownGroups groups;
  Folds folds;
  for (Int r = 0; r < flags.runs; ++r)
    for (Int k = 1; k <= flags.folds; ++k) {
      TrainingFlags t = flags.training;
      const std::uint64_t seed = program.shared.seed = first_seed + static_cast<std::uint64_t>(r);
      t.split.folds = flags.folds;
      t.split.fold = k;
      t.out = (fs::path(t.out) / fmt::format("seed-{}", seed) / fmt::format("fold-{}", k)).string();
      if (!program.shared.quiet)
        std::fprintf(stderr, "seed %llu, fold %d of %d\n", static_cast<unsigned long long>(seed),
                     static_cast<int>(k), static_cast<int>(flags.folds));
      const RunFolder run = finished_run(t, groups, program);
      const Judged tests = judged_tests(run, run.predictions());
      folds.each.push_back({seed, k, std::count(tests.right.begin(), tests.right.end(), true),
                            static_cast<Int>(tests.right.size())});
      append(folds.tests, tests);
    }
  program.shared.seed = first_seed;
  return folds;
} catch (const Stopped&) {
  throw Stopped("stopped; call again to go on with {}", flags.training.out);
}

Json json_of(const Folds& folds, Interval by_groups, const Json& settings) {
  auto list = Json::array();
  for (const Fold& f : folds.each)
    list.push_back({{"seed", f.seed}, {"fold", f.number}, {"correct", f.correct}, {"n", f.n}});
  return {{"experiment", "folds"},
          {"settings", settings},
          {"correct", folds.correct()},
          {"n", folds.n()},
          {"accuracy", folds.accuracy()},
          {"by_groups", {by_groups.low, by_groups.high}},
          {"deviation_of_folds", folds.deviation()},
          {"folds", list}};
}

Table table_of(const Folds& folds) {
  Table table{{"seed", "fold", "correct", "n", "accuracy"}, {}};
  for (const Fold& f : folds.each)
    table.rows.push_back({std::to_string(f.seed), std::to_string(f.number), std::to_string(f.correct),
                          std::to_string(f.n), significant(f.accuracy())});
  return table;
}

int run(const Flags& flags, Program& program) {
  const TrainingFlags& t = flags.training;
  const SharedFlags& shared = program.shared;
  phase_plan(t);
  check_graph(t, *program.group);
  const Device device = prepare_device(shared, {t.dtype, t.cuda_graph});
  Json settings{{"experiment", "folds"}, {"folds", flags.folds}};  // more --runs may be added later
  add_training_settings(settings, t, shared, device);
  expect_outside(t.out, t.data);
  take_up(t.out, settings);
  const Folds folds = train_folds(flags, program);
  const Interval by_groups = grouped_bootstrap(folds.tests, shared.seed);
  const Table table = table_of(folds);
  const std::string summary = json_text(json_of(folds, by_groups, settings));
  write_file_atomically(fs::path(t.out) / "folds.csv", table.csv());
  write_file_atomically(fs::path(t.out) / "summary.json", summary);
  if (shared.json)
    fmt::print("{}", summary);
  else
    fmt::print("{}\nall: {}/{} = {} (95 % interval by groups {} %), folds deviate by {} points\n",
               table.text(), folds.correct(), folds.n(), percent(folds.accuracy(), 1),
               percent_range(by_groups), fmt::format("{:.1f}", 100 * folds.deviation()));
  return 0;
}

}  // namespace

void add_folds(Program& program, const Command& experiment) {
  const auto flags = std::make_shared<Flags>();
  TrainingFlags& t = flags->training;
  const Command command = program.add_under(
      experiment, "folds", "Grouped k-fold: every image tests once, repeated with other seeds if asked",
      "  sonograd experiment folds --data busi --out folds --model densenet169 --image-size 96 --epochs 8\n"
      "  sonograd experiment folds --data busi --out folds --model aeganb3 --weights efficientnetb3.h5 "
      "--folds 10 "
      "--runs 3",
      [flags, &program] { return run(*flags, program); });
  command.add_option("--data", t.data, "folder with a sub-folder a class").required();
  add_training_flags(command, t);
  command.get_option("--out").required().description("folder of the folds; finished runs in it are kept");
  for (const char* name : {"--fold", "--folds", "--resume", "--keep-checkpoint"}) command.remove_option(name);
  command.add_option("--folds", flags->folds, "parts of the images, 3 or more; near duplicates stay together")
      .check(from_to(3, 1000))
      .capture_default_str();
  command.add_option("--runs", flags->runs, "times that all folds are trained, with seed, seed + 1, …")
      .check(positive())
      .capture_default_str();
  t.explain = false;
}

}  // namespace sonograd
