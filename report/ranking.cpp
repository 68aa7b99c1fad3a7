#include "report/ranking.h"

#include <cmath>

#include "report/curves.h"
#include "report/delong.h"
#include "tensor/error.h"

namespace sonograd {
namespace {

std::string with_interval(double value, Interval interval) {
  if (std::isnan(value)) return "–";
  if (std::isnan(interval.low)) return fmt::format("{:.3f}", value);
  return fmt::format("{:.3f} ({:.3f} – {:.3f})", value, interval.low, interval.high);
}

std::string sensitivity_cell(double specificity, const Scores& scores) {
  const Sensitivity s = sensitivity_at(specificity, scores);
  if (s.n == 0) return "–";
  const Interval interval = wilson_interval(s.hits, s.n);
  return fmt::format("{}/{} ({:.0f} – {:.0f} %)", s.hits, s.n, 100 * interval.low, 100 * interval.high);
}

}  // namespace

Table ranking_table(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions) {
  Table table{{"class", "AUC (95 % interval)", "average precision", "found at specificity 90 %", "at 95 %"},
              {}};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const Scores scores = scores_of(static_cast<Int>(c), predictions);
    const AucInterval auc = delong(scores);
    table.rows.push_back({classes[c], with_interval(auc.auc, auc.interval),
                          with_interval(average_precision(scores), {Metrics::nan, Metrics::nan}),
                          sensitivity_cell(0.9, scores), sensitivity_cell(0.95, scores)});
  }
  return table;
}

}  // namespace sonograd
