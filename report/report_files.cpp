#include "report/html.h"
#include "report/ranking.h"
#include "report/run_folder.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace sonograd {

// The numbers of per_class_table(), in full.
static Table per_class_numbers(const Metrics& metrics) {
  Table table{{"class", "support", "predicted", "correct", "precision", "precision_low", "precision_high",
               "recall", "recall_low", "recall_high", "f1", "auc"},
              {}};
  for (const auto& c : metrics.per_class) {
    table.rows.push_back(
        {c.name, fmt::format("{}", c.support), fmt::format("{}", c.predicted), fmt::format("{}", c.correct)});
    for (const double value : {c.precision, c.precision_interval.low, c.precision_interval.high, c.recall,
                               c.recall_interval.low, c.recall_interval.high, c.f1, c.auc}) {
      table.rows.back().push_back(significant(value));
    }
  }
  return table;
}

void write_report(const ReportData& data, const std::filesystem::path& run) {
  const RunFolder folder = RunFolder::at(run);
  for (const char* inner : {"figures", "tables"}) make_folder(run / inner);
  const auto figure = [&](const char* name, const Svg& svg) {
    write_file_atomically(folder.figure(name), svg.file());
  };
  const auto table = [&](const char* name, const Table& t) {
    write_file_atomically(folder.table(name), t.csv());
  };

  figure("test_accuracy", accuracy_ladder("this model", data.test, data.baselines));
  figure("confusion_matrix", confusion_matrix(data.test));
  figure("per_class", per_class_bars(data.test));
  figure("class_counts", class_counts(data.manifest.classes));
  table("per_class", per_class_numbers(data.test));
  table("confusion_matrix", confusion_table(data.test));
  if (!data.history.empty()) {
    figure("accuracy", accuracy_curves(data.history));
    figure("loss", loss_curves(data.history));
    table("history", history_table(data.history));
  }
  if (!data.predictions.empty()) {
    figure("roc", roc_curves(data.test.classes, data.predictions));
    figure("precision_recall", precision_recall_curves(data.test.classes, data.predictions));
    figure("calibration", reliability(data.test, data.predictions));
    table("ranking", ranking_table(data.test.classes, data.predictions));
  }
  Table counts{{"class", "train", "validation", "test"}, {}};
  for (const auto& c : data.manifest.classes) {
    counts.rows.push_back(
        {c.name, fmt::format("{}", c.train), fmt::format("{}", c.validation), fmt::format("{}", c.test)});
  }
  table("class_counts", counts);
  Table rivals{{"model", "correct", "n", "accuracy", "low", "high"}, {}};
  const auto rival = [&](const std::string& name, Int correct, Int n) {
    const Interval i = wilson_interval(correct, n);
    const double share = n == 0 ? Metrics::nan : static_cast<double>(correct) / static_cast<double>(n);
    rivals.rows.push_back({name, fmt::format("{}", correct), fmt::format("{}", n), significant(share),
                           significant(i.low), significant(i.high)});
  };
  rival("this model", data.test.correct, data.test.n);
  for (const Baseline& b : data.baselines) rival(b.name, b.correct, b.n);
  table("test_accuracy", rivals);
  write_file_atomically(folder.report(), report_html(data));
}

}  // namespace sonograd
