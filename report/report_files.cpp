#include "base/error.h"
#include "base/file.h"
#include "report/evaluation_files.h"
#include "report/html.h"
#include "report/ranking.h"

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

static void figure(const RunFolder& folder, const char* name, const Svg& svg) {
  write_file_atomically(folder.figure(name), svg.file());
}
static void table(const RunFolder& folder, const char* name, const Table& t) {
  write_file_atomically(folder.table(name), t.csv());
}

void write_evaluation(const Metrics& metrics, const std::vector<Prediction>& predictions,
                      const RunFolder& folder) {
  for (const char* inner : {"figures", "tables"}) make_folder(folder.path() / inner);
  figure(folder, "confusion_matrix", confusion_matrix(metrics));
  figure(folder, "per_class", per_class_bars(metrics));
  table(folder, "per_class", per_class_numbers(metrics));
  table(folder, "confusion_matrix", confusion_table(metrics));
  if (predictions.empty()) return;
  figure(folder, "roc", roc_curves(metrics.classes, predictions));
  figure(folder, "precision_recall", precision_recall_curves(metrics.classes, predictions));
  figure(folder, "calibration", reliability(metrics, predictions));
  table(folder, "ranking", ranking_table(metrics.classes, predictions));
}

void write_report(const ReportData& data, const std::filesystem::path& run) {
  const RunFolder folder = RunFolder::at(run);
  write_evaluation(data.test, data.predictions, folder);
  figure(folder, "test_accuracy", accuracy_ladder("this model", data.test, data.baselines));
  figure(folder, "class_counts", class_counts(data.manifest.classes));
  if (!data.history.empty()) {
    figure(folder, "accuracy", accuracy_curves(data.history));
    figure(folder, "loss", loss_curves(data.history));
    table(folder, "history", history_table(data.history));
  }
  Table counts{{"class", "train", "validation", "test"}, {}};
  for (const auto& c : data.manifest.classes) {
    counts.rows.push_back(
        {c.name, fmt::format("{}", c.train), fmt::format("{}", c.validation), fmt::format("{}", c.test)});
  }
  table(folder, "class_counts", counts);
  Table rivals{{"model", "correct", "n", "accuracy", "low", "high"}, {}};
  const auto rival = [&](const std::string& name, Int correct, Int n) {
    const Interval i = wilson_interval(correct, n);
    const double share = n == 0 ? Metrics::nan : static_cast<double>(correct) / static_cast<double>(n);
    rivals.rows.push_back({name, fmt::format("{}", correct), fmt::format("{}", n), significant(share),
                           significant(i.low), significant(i.high)});
  };
  rival("this model", data.test.correct, data.test.n);
  for (const Baseline& b : data.baselines) rival(b.name, b.correct, b.n);
  table(folder, "test_accuracy", rivals);
  write_file_atomically(folder.report(), report_html(data));
}

}  // namespace sonograd
