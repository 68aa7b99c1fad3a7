#include "report/ranking.h"

#include <algorithm>

#include "base/error.h"
#include "report/curves.h"
#include "report/delong.h"

namespace sonograd {

Table ranking_table(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions) {
  Table table{{"class", "images", "auc", "auc_low", "auc_high", "average_precision", "sensitivity_90",
               "sensitivity_90_low", "sensitivity_90_high", "found_90", "specificity_90", "sensitivity_95",
               "sensitivity_95_low", "sensitivity_95_high", "found_95", "specificity_95"},
              {}};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const Scores scores = scores_of(static_cast<Int>(c), predictions);
    const AucInterval auc = delong(scores);
    const auto images = std::count(scores.positive.begin(), scores.positive.end(), true);
    table.rows.push_back({classes[c], std::to_string(images), significant(auc.auc),
                          significant(auc.interval.low), significant(auc.interval.high),
                          significant(average_precision(scores))});
    for (const double specificity : {0.9, 0.95}) {
      const Sensitivity s = sensitivity_at(specificity, scores);
      const Interval interval = wilson_interval(s.hits, s.n);
      const double share = s.n == 0 ? Metrics::nan : static_cast<double>(s.hits) / static_cast<double>(s.n);
      for (const std::string& cell :
           {significant(share), significant(interval.low), significant(interval.high), std::to_string(s.hits),
            significant(s.specificity)})
        table.rows.back().push_back(cell);
    }
  }
  return table;
}

}  // namespace sonograd
