#include <algorithm>
#include <cstdio>

#include "apps/experiment/experiment.h"
#include "apps/experiment/folder.h"
#include "apps/experiment/results.h"
#include "apps/out_folder.h"
#include "apps/split_flags.h"
#include "base/file.h"
#include "data/sha256.h"
#include "report/progress.h"
#include "train/checkpoint.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json settings_of(const ExperimentFlags& flags, const Profile& profile, const SharedFlags& shared,
                 Device device, const Dataset& data) {
  Json settings{{"profile", profile.name},
                {"protocol", flags.protocol},
                {"seed", shared.seed},
                {"image_size", profile.image_size},
                {"epochs", profile.epochs},
                {"enlarged_epochs", profile.enlarged_epochs},
                {"gan_steps", profile.gan_steps},
                {"dtype", flags.dtype},
                {"weights", flags.weights_folder},
                {"pooling", flags.pooling.empty() ? "as the protocol tells" : flags.pooling},
                {"transfer", flags.transfer.empty() ? "as the protocol tells" : flags.transfer},
                {"order", flags.order.empty() ? "" : sha256(read_file(flags.order))},
                {"on_bad_file", flags.on_bad_file},
                {"tensorflow", flags.tensorflow},
                {"data_hash", data_hash(data)}};
  add_shared_settings(settings, shared, device);
  return settings;
}

std::string rows_text(const std::vector<Row>& rows) {
  return rows.size() == 1 ? "1 row" : fmt::format("{} rows", rows.size());
}

void print_plan(const std::vector<Row>& rows, const ExperimentFlags& flags, double seconds, bool json) {
  auto list = Json::array();
  for (const Row& row : rows) {
    const bool finished = fs::exists(fs::path(folder_of(flags, row)) / "metrics.json");
    list.push_back({{"arm", row.arm},
                    {"model", row.model},
                    {"trained", row.trained},
                    {"phases", row.weights.empty() ? "scratch" : "transfer, finetune"},
                    {"finished", finished}});
    if (!json)
      fmt::print("{:<10} {:<20} {:<20} {}{}\n", row.arm, row.model, row.trained,
                 row.weights.empty() ? "scratch" : "transfer, finetune", finished ? ", finished" : "");
  }
  if (json)
    print_json(Json{{"rows", list}, {"estimated_seconds", seconds}});
  else
    fmt::print("{}, {} at most on two cores\n", rows_text(rows), duration(seconds));
}

void train_rows(const std::vector<Row>& rows, const ExperimentFlags& flags, const Profile& profile,
                Program& program) try {
  KnownGroups known;
  if (std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.arm == "gan"; }))
    make_generated(flags, profile, known, program);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!program.shared.quiet)
      std::fprintf(stderr, "row %zu of %zu: %s, %s\n", i + 1, rows.size(), rows[i].model.c_str(),
                   rows[i].arm.c_str());
    train_row(rows[i], flags, profile, known, program);
  }
} catch (const Stopped&) {
  throw Stopped("stopped; call again to go on with {}", flags.out);
}

int run(const std::string& table, const ExperimentFlags& flags, Program& program) {
  const SharedFlags& shared = program.shared;
  if (!flags.transfer.empty() && flags.weights_folder.empty())
    throw UsageError(
        "--transfer is of the phase transfer, which rows have with --weights-folder alone; leave it out");
  const Device device = prepare_device(shared, {flags.dtype});  // refused before anything is made
  const Dataset data = list_folder(flags.data);
  const std::vector<Int> counts = data.class_counts();
  const Profile profile = profile_of(flags, *std::max_element(counts.begin(), counts.end()));
  const std::vector<Row> rows = rows_of(table, flags, profile);
  const double seconds = estimated_seconds(rows, flags, profile, data);
  const Json settings = settings_of(flags, profile, shared, device, data);
  expect_outside(flags.out, flags.data);
  if (flags.dry_run) {
    if (fs::exists(fs::path(flags.out) / "experiment.json")) take_up(flags.out, settings);
    print_plan(rows, flags, seconds, shared.json);
    return 0;
  }
  take_up(flags.out, settings);
  if (!shared.quiet)
    std::fprintf(stderr, "%s, %s at most on two cores; a run that is broken off goes on when called again\n",
                 rows_text(rows).c_str(), duration(seconds).c_str());
  train_rows(rows, flags, profile, program);
  const std::vector<Result> results = results_of(rows, flags, shared.seed);
  const std::string summary = write_experiment(table, results, flags, profile, settings);
  if (shared.json) {
    fmt::print("{}", summary);
    return 0;
  }
  for (const Result& r : results)
    fmt::print("{:<10} {:<20} {:<9} test {}/{} = {:.1f} % ({:.1f} to {:.1f} %), paper {:.2f} %\n", r.row.arm,
               r.row.model, r.phase, r.test.correct, r.test.n, 100 * r.test.accuracy,
               100 * r.test.accuracy_interval.low, 100 * r.test.accuracy_interval.high, r.paper->test);
  for (const Finding& f : findings_on(results))
    fmt::print("{:<14} {} ({:+.1f} points{})\n", standing_name(f.standing), f.claim, f.points(),
               f.test ? fmt::format(", p by Holm {:.3f}", f.holm) : "; " + f.no_test);
  fmt::print("report: {}\n", (fs::path(flags.out) / "report.html").string());
  return 0;
}

}  // namespace

void add_experiment_runs(Program& program, const Command& experiment) {
  const std::pair<const char*, const char*> tables[] = {
      {"table1", "Table I: five models on the original images"},
      {"table2", "Table II: five models with augmented copies"},
      {"table3", "Table III: five models with the DCGAN's pictures"},
      {"table4", "Table IV: with and without attention, on all three"},
      {"all", "Every table and figure of the paper"}};
  for (const auto& [name, about] : tables) {
    const auto flags = std::make_shared<ExperimentFlags>();
    const std::string table = name;
    const Command command = program.add_under(
        experiment, table, about,
        fmt::format(
            "  sonograd experiment {0} --data busi --out experiment --dry-run\n"
            "  sonograd experiment {0} --data busi --out experiment --profile quick\n"
            "  sonograd experiment {0} --data busi --out as-published --profile paper --protocol paper "
            "--weights-folder bases",
            table),
        [table, flags, &program] { return run(table, *flags, program); });
    command.add_option("--data", flags->data, "folder with a sub-folder a class").required();
    command.add_option("--out", flags->out, "folder of the experiment; finished rows in it are kept")
        .required();
    command
        .add_option("--profile", flags->profile,
                    "smoke: small models, an epoch, to see it work; quick: 96 x 96, 8 epochs at most, 3 "
                    "of the enlarged data sets; paper: the full protocol")
        .check(one_of({"smoke", "quick", "paper"}))
        .capture_default_str();
    command.add_option("--protocol", flags->protocol, "grouped, or paper: as published (docs/data.md)")
        .check(one_of({"grouped", "paper"}))
        .capture_default_str();
    command.add_option("--weights-folder", flags->weights_folder,
                       "pretrained bases, each file named after its model; without, from random weights");
    command.add_option("--models", flags->models, "only these of the paper's models").delimiter(',');
    command.add_option("--image-size", flags->image_size, "in place of the profile's").check(positive());
    command.add_option("--epochs", flags->epochs, "a phase at most, in place of the profile's")
        .check(positive());
    command.add_option("--gan-steps", flags->gan_steps, "of each class's GAN, in place of the profile's")
        .check(positive());
    command.add_option("--dtype", flags->dtype, "of training: f32, bf16 or f16, see `sonograd train --help`")
        .check(one_of({"f32", "bf16", "f16"}))
        .capture_default_str();
    command
        .add_option("--pooling", flags->pooling, "of the baselines: avg or max, see `sonograd train --help`")
        .check(one_of({"avg", "max"}));
    command.add_option("--transfer", flags->transfer, "exact or cached, see `sonograd train --help`")
        .check(one_of({"exact", "cached"}));
    command
        .add_option("--tensorflow", flags->tensorflow,
                    "of the GANs' batch norms: 1 or 2, see `sonograd gan train --help`")
        .check(one_of({1, 2}))
        .capture_default_str();
    add_order_flag(command, flags->order);
    add_bad_file_flag(command, flags->on_bad_file);
    command.add_flag("--dry-run", flags->dry_run, "print the rows and the time, and do nothing");
  }
}

}  // namespace sonograd
