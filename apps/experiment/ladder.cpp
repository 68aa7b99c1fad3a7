#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "apps/experiment/experiment.h"
#include "apps/experiment/folder.h"
#include "apps/out_folder.h"
#include "apps/training.h"
#include "base/file.h"
#include "data/generated.h"
#include "models/zoo.h"
#include "report/figures.h"
#include "report/html_parts.h"
#include "report/html_style.h"
#include "train/checkpoint.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Flags {
  TrainingFlags training;  // of every run; the ladder sets protocol, pictures, folder and seed
  std::string generated, generated_apart;
  Int runs = 1;
};

// A step of data/protocol.h's ladder: what it corrects, and what its runs scored.
struct Rung {
  std::string protocol, corrects;
  Judged tests = {};                        // every test image of every run
  std::map<std::string, Int> classes = {};  // test images of each
  Interval by_groups = {};
  std::optional<Interval> change = {};  // from the rung before, of the accuracy

  Int correct() const { return std::count(tests.right.begin(), tests.right.end(), true); }
  Int n() const { return static_cast<Int>(tests.right.size()); }
  double accuracy() const { return static_cast<double>(correct()) / static_cast<double>(n()); }
  Interval wilson() const { return wilson_interval(correct(), n()); }
  double majority() const {  // what "always the largest class" scores
    Int largest = 0;
    for (const auto& [name, count] : classes) largest = std::max(largest, count);
    return static_cast<double>(largest) / static_cast<double>(n());
  }
};

// The rungs that change anything for the arm.
std::vector<Rung> rungs_of(const Flags& flags) {
  const std::string& arm = flags.training.split.arm;
  std::vector<Rung> rungs{
      {"derived-first", "nothing: the arm's images are made first, then everything is split at random"}};
  if (arm == "augmented") rungs.push_back({"split-first", "copies are made of training images alone"});
  if (arm == "gan") rungs.push_back({"split-first", "generated images are in training alone"});
  rungs.push_back({"twins-apart", "no test image has a near duplicate in training or validation"});
  rungs.push_back({"conflicts-out", "near duplicates with conflicting labels are left out"});
  if (arm != "gan") {
    rungs.push_back({"grouped", "no validation image has a near duplicate in training"});
    return rungs;
  }
  rungs.push_back({"validation-apart", "no validation image has a near duplicate in training"});
  if (!flags.generated_apart.empty()) rungs.push_back({"grouped", "the GANs saw training images alone"});
  return rungs;
}

void add_results(const RunFolder& run, Rung& rung) {
  const Judged tests = judged_tests(run, run.predictions());
  append(rung.tests, tests);
  for (const ClassMetrics& c : read_metrics(run.metrics()).per_class) rung.classes[c.name] += c.support;
}

void add_intervals(std::vector<Rung>& rungs, std::uint64_t seed) {
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    rungs[i].by_groups = grouped_bootstrap(rungs[i].tests, seed);
    if (i > 0) rungs[i].change = grouped_difference(rungs[i].tests, rungs[i - 1].tests, seed);
  }
}

void climb(const Flags& flags, std::vector<Rung>& rungs, Program& program) try {
  const std::uint64_t first_seed = program.shared.seed;
  KnownGroups groups;
  for (Rung& rung : rungs)
    for (Int i = 0; i < flags.runs; ++i) {
      TrainingFlags t = flags.training;
      program.shared.seed = first_seed + static_cast<std::uint64_t>(i);
      t.split.protocol = rung.protocol;
      if (t.split.arm == "gan")
        t.split.generated = rung.protocol == "grouped" ? flags.generated_apart : flags.generated;
      t.out = (fs::path(t.out) / rung.protocol / fmt::format("seed-{}", program.shared.seed)).string();
      if (!program.shared.quiet)
        std::fprintf(stderr, "%s, run %d of %d\n", rung.protocol.c_str(), static_cast<int>(i + 1),
                     static_cast<int>(flags.runs));
      add_results(finished_run(t, groups, program), rung);
    }
  program.shared.seed = first_seed;
} catch (const Stopped&) {
  throw Stopped("stopped; call again to go on with {}", flags.training.out);
}

// Throws Error unless the GANs of --generated saw every image of their classes, and those of
// --generated-apart did not: else the rungs would not be what they say.
void expect_lineages(const Flags& flags) {
  const SplitFlags& split = flags.training.split;
  const Dataset data = list_folder(flags.training.data);
  const std::vector<Int> counts = data.class_counts();
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (generated_images(counts[c], split.target, split.step) == 0) continue;
    std::set<std::string> images;
    for (const LabelledFile& sample : data.samples)
      if (sample.label == static_cast<Int>(c)) images.insert(sample.sha256);
    const auto unseen_by_gan_of = [&](const fs::path& folder) {
      const std::vector<std::string> seen = read_generated(folder).generator.ancestors;
      std::set<std::string> unseen = images;
      for (const std::string& hash : seen) unseen.erase(hash);
      return unseen.size();
    };
    const fs::path all = fs::path(flags.generated) / data.classes[c];
    const std::size_t unseen = unseen_by_gan_of(all);
    expect(
        unseen == 0,
        "--generated {}: its GAN did not see {} of the {} images of class {}; the first rungs need GANs that "
        "saw every image: `gan train` without --split",
        all.string(), unseen, images.size(), data.classes[c]);
    if (flags.generated_apart.empty()) continue;
    const fs::path apart = fs::path(flags.generated_apart) / data.classes[c];
    expect(unseen_by_gan_of(apart) > 0,
           "--generated-apart {}: its GAN saw all {} images of class {}, those held out too; the last rung "
           "needs "
           "GANs that saw training images alone: `gan train --split`",
           apart.string(), images.size(), data.classes[c]);
  }
}

std::string share_text(const Rung& r) {
  return fmt::format("{}/{} = {}", r.correct(), r.n(), percent(r.accuracy(), 1));
}

Table table_of(const std::vector<Rung>& rungs) {
  Table table{{"protocol", "corrects", "test", "Wilson 95 %", "by groups 95 %", "points", "points 95 %",
               "largest class"},
              {}};
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const Rung& r = rungs[i];
    table.rows.push_back(
        {r.protocol, r.corrects, share_text(r), percent_range(r.wilson()), percent_range(r.by_groups),
         r.change ? fmt::format("{:+.1f}", 100 * (r.accuracy() - rungs[i - 1].accuracy())) : "",
         r.change ? percent_range(*r.change) : "", percent(r.majority(), 1)});
  }
  return table;
}

// The same for scripts: numbers alone in their columns, shares in full.
Table numbers_of(const std::vector<Rung>& rungs) {
  Table table{{"protocol", "corrects", "correct", "n", "accuracy", "wilson_low", "wilson_high", "groups_low",
               "groups_high", "change", "change_low", "change_high", "largest_class"},
              {}};
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const Rung& r = rungs[i];
    const Interval change = r.change.value_or(Interval{Metrics::nan, Metrics::nan});
    table.rows.push_back({r.protocol, r.corrects, std::to_string(r.correct()), std::to_string(r.n())});
    for (const double value :
         {r.accuracy(), r.wilson().low, r.wilson().high, r.by_groups.low, r.by_groups.high,
          r.change ? r.accuracy() - rungs[i - 1].accuracy() : Metrics::nan, change.low, change.high,
          r.majority()})
      table.rows.back().push_back(significant(value));
  }
  return table;
}

Json json_of(const std::vector<Rung>& rungs, const Json& settings) {
  auto list = Json::array();
  const auto ends = [](Interval interval) { return Json{interval.low, interval.high}; };
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const Rung& r = rungs[i];
    list.push_back({{"protocol", r.protocol},
                    {"corrects", r.corrects},
                    {"correct", r.correct()},
                    {"n", r.n()},
                    {"accuracy", r.accuracy()},
                    {"wilson", ends(r.wilson())},
                    {"by_groups", ends(r.by_groups)},
                    {"largest_class", r.majority()}});
    if (!r.change) continue;
    list.back()["change"] = r.accuracy() - rungs[i - 1].accuracy();
    list.back()["change_interval"] = ends(*r.change);
  }
  return {{"experiment", "ladder"}, {"settings", settings}, {"rungs", list}};
}

std::string about(const Flags& flags) {
  const TrainingFlags& t = flags.training;
  return fmt::format(
      "{}, {} arm, {}, at most {} epochs a phase, {} on each rung{}. Every rung is tested as its own "
      "protocol "
      "would: the first is how the numbers were published, the last holds nothing back.",
      t.model.name, t.split.arm,
      t.model.weights.empty() ? fmt::format("{0} x {0} from random weights", t.model.image_size)
                              : "from " + fs::path(t.model.weights).filename().string(),
      t.epochs, flags.runs == 1 ? "one run" : fmt::format("{} runs", flags.runs),
      t.split.random_labels ? ", with random labels: whatever is above the largest class was leaked" : "");
}

// What fits on a page.
Table page_table(const Table& whole) {
  Table table{{"rung", "test", "by groups 95 %", "largest class", "points", "95 %"}, {}};
  for (const auto& row : whole.rows)
    table.rows.push_back({fmt::format("{}: {}", row[0], row[1]), row[2], row[4], row[7], row[5], row[6]});
  return table;
}

void write_page(const fs::path& out, const Flags& flags, const std::vector<Rung>& rungs, const Table& table) {
  Metrics first;
  first.correct = rungs[0].correct();
  first.n = rungs[0].n();
  std::vector<Baseline> others;
  for (std::size_t i = 1; i < rungs.size(); ++i)
    others.push_back({rungs[i].protocol, rungs[i].correct(), rungs[i].n()});
  const Svg figure = accuracy_ladder(rungs[0].protocol, first, others);
  write_file_atomically(out / "ladder.svg", figure.file());
  const std::string title = "What each flaw of the protocol was worth";
  write_file_atomically(
      out / "report.html",
      html_page(title, page_style + figure_style(),
                fmt::format("<header>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n</header>\n", title,
                            escape_html(about(flags))) +
                    "<div class=\"grid\">\n" + panel("From as published to honest", figure) + "</div>\n" +
                    section("One correction a rung") + "<div class=\"panel wrap scroll\">" +
                    page_table(table).html() + "</div>\n"));
}

// What short runs from random weights want, where the flags left it open.
void choose_defaults(TrainingFlags& t) {
  if (t.model.name.empty()) t.model.name = "aeganb3";
  if (!t.model.weights.empty()) return;
  if (t.model.image_size == 0) t.model.image_size = 96;
  if (!t.norm_momentum) t.norm_momentum = 0.9;  // 0.99 lags in runs as short as these
}

int run(Flags flags, Program& program) {
  TrainingFlags& t = flags.training;
  choose_defaults(t);
  const SharedFlags& shared = program.shared;
  if ((t.split.arm == "gan") != !flags.generated.empty())
    throw UsageError(
        "--arm gan needs --generated DIR, the pictures of GANs that saw every image; other arms have none");
  if (t.split.arm != "gan" && !flags.generated_apart.empty())
    throw UsageError("--generated-apart belongs to --arm gan");
  if (!flags.generated_apart.empty() && flags.runs > 1)
    throw UsageError(
        "--generated-apart is of one split, and each of --runs has its own; climb once for each seed");
  const Device device =
      prepare_device(shared, {t.dtype, t.cuda_graph});  // refused before anything is made, and so are models
  phase_plan(t);
  check_graph(t, *program.group);
  if (t.model.weights.empty()) make_model({.name = t.model.name, .image_size = t.model.image_size});
  if (t.split.arm == "gan") expect_lineages(flags);
  Json settings{{"experiment", "ladder"},
                {"published", hash_of_lineages(flags.generated)},
                {"apart", hash_of_lineages(flags.generated_apart)}};
  add_training_settings(settings, t, shared, device);
  expect_outside(t.out, t.data);
  take_up(t.out, settings);
  std::vector<Rung> rungs = rungs_of(flags);
  climb(flags, rungs, program);
  add_intervals(rungs, shared.seed);
  const fs::path out = t.out;
  const Table table = table_of(rungs);
  const std::string summary = json_text(json_of(rungs, settings));
  write_file_atomically(out / "ladder.csv", numbers_of(rungs).csv());
  write_page(out, flags, rungs, table);
  write_file_atomically(out / "summary.json", summary);
  if (shared.json)
    fmt::print("{}", summary);
  else
    fmt::print("{}\n{}\nreport: {}\n", about(flags), table.text(), (out / "report.html").string());
  return 0;
}

}  // namespace

void add_ladder(Program& program, const Command& experiment) {
  const auto flags = std::make_shared<Flags>();
  TrainingFlags& t = flags->training;
  t.epochs = 8;
  t.explain = false;
  t.split.arm = "augmented";
  const Command command = program.add_under(
      experiment, "ladder",
      "What each flaw of the protocol is worth: from as published to honest, one correction a rung",
      "  sonograd experiment ladder --data busi --out ladder --runs 3\n"
      "  sonograd experiment ladder --data busi --out chance --model mini --epochs 60 --random-labels\n"
      "  sonograd experiment ladder --data busi --out gan-ladder --arm gan --generated published/generated "
      "--generated-apart experiment/generated\n"
      "  sonograd experiment ladder --data busi --out pretrained --weights efficientnetb3.h5",
      [flags, &program] { return run(*flags, program); });
  command.add_option("--data", t.data, "folder with a sub-folder a class").required();
  add_training_flags(command, t);
  command.get_option("--out").required().description("folder of the ladder; finished runs in it are kept");
  for (const char* name : {"--protocol", "--generated", "--fold", "--folds", "--resume", "--keep-checkpoint"})
    command.remove_option(name);
  command.get_option("--model").default_str("aeganb3");
  command.get_option("--image-size").default_str("96, with --weights theirs");
  command.get_option("--norm-momentum").default_str("0.9, with --weights the layers'");
  command.add_option("--generated", flags->generated,
                     "with --arm gan: pictures of GANs that saw every image, as their lineages must say");
  command.add_option("--generated-apart", flags->generated_apart,
                     "the same of GANs that saw the grouped split's training images, for the last rung");
  command.add_option("--runs", flags->runs, "runs of each rung, with seed, seed + 1, …")
      .check(positive())
      .capture_default_str();
}

}  // namespace sonograd
