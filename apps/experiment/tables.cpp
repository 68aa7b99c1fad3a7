#include "apps/experiment/results.h"
#include "report/compare.h"

namespace sonograd {
namespace {

std::string percentage(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

bool belongs(const std::string& numeral, const Result& r) {
  if (numeral == "IV") return r.row.model == "aeganb3" || r.row.model == "aeganb3_noattention";
  return r.row.model != "aeganb3_noattention" && r.row.arm == (numeral == "I"    ? "original"
                                                               : numeral == "II" ? "augmented"
                                                                                 : "gan");
}

}  // namespace

Table paper_table(const std::string& numeral, const std::vector<Result>& results) {
  Table table{{"model",          "trained",
               "data",           "phase",
               "parameters",     "validation",
               "validation %",   "test",
               "test %",         "Wilson 95 %",
               "by groups 95 %", "precision",
               "recall",         "F1",
               "paper's phase",  "paper's validation %",
               "paper's test %", "paper's precision",
               "paper's recall", "paper's F1"},
              {}};
  for (const Result& r : results) {
    if (!belongs(numeral, r)) continue;
    const PaperRow& p = *r.paper;
    table.rows.push_back(
        {r.row.model,
         r.row.trained,
         r.row.arm,
         r.phase,
         std::to_string(r.parameters),
         fmt::format("{}/{}", r.validated_right, r.validated),
         percentage(static_cast<double>(r.validated_right) / static_cast<double>(r.validated)),
         fmt::format("{}/{}", r.test.correct, r.test.n),
         percentage(r.test.accuracy),
         percent_range(r.test.accuracy_interval),
         percent_range(r.by_groups),
         percentage(r.test.precision),
         percentage(r.test.recall),
         percentage(r.test.f1),
         p.phase,
         fmt::format("{:.2f}", p.validation),
         fmt::format("{:.2f}", p.test),
         fmt::format("{:.2f}", p.precision),
         fmt::format("{:.2f}", p.recall),
         fmt::format("{:.2f}", p.f1)});
  }
  return table;
}

Table published_table() {
  Table table{{"reference", "method", "year", "accuracy"}, {}};
  for (const PublishedResult& r : paper().published)
    table.rows.push_back({r.reference, r.method, std::to_string(r.year), r.accuracy});
  return table;
}

Table mcnemar_table(const std::vector<Result>& results) {
  Table table{{"data", "first", "second", "both right", "only first", "only second", "both wrong", "exact p"},
              {}};
  for (std::size_t i = 0; i < results.size(); ++i)
    for (std::size_t j = i + 1; j < results.size(); ++j) {
      const Result &a = results[i], &b = results[j];
      if (!a.last || !b.last || a.row.arm != b.row.arm) continue;
      std::string why;
      const auto predictions = [](const Result& r) {
        return read_predictions(std::filesystem::path(r.folder) / "predictions.csv");
      };
      const auto test = mcnemar(predictions(a), predictions(b), why);
      if (!test) throw Error("{} and {}: {}", a.folder, b.folder, why);
      table.rows.push_back({a.row.arm, a.row.model, b.row.model, std::to_string(test->both_right),
                            std::to_string(test->only_first), std::to_string(test->only_second),
                            std::to_string(test->both_wrong), fmt::format("{:.4f}", test->p)});
    }
  return table;
}

}  // namespace sonograd
