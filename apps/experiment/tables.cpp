#include "apps/experiment/results.h"
#include "models/zoo.h"
#include "report/run_folder.h"

namespace sonograd {
namespace {

std::string percentage(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

bool belongs(const std::string& numeral, const Result& r) {
  const bool without_attention = r.row.model == "aeganb3_noattention" || r.row.model == "efficientnetb3";
  if (numeral == "IV") return r.row.model == "aeganb3" || without_attention;
  return !without_attention && r.row.arm == (numeral == "I"    ? "original"
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

Table paper_table_page(const std::string& numeral, const std::vector<Result>& results) {
  Table table{{"", "phase", "parameters", "validation %", "test %", "Wilson 95 %", "by groups 95 %",
               "precision %", "recall %", "F1 %"},
              {}};
  const auto share = [](Int right, Int n) {
    return fmt::format("{}/{} = {:.1f}", right, n, 100 * static_cast<double>(right) / static_cast<double>(n));
  };
  const auto printed = [](double percentage) { return fmt::format("{:.1f}", percentage); };
  for (const Result& r : results) {
    if (!belongs(numeral, r)) continue;
    const PaperRow& p = *r.paper;
    std::string name = numeral == "IV" ? fmt::format("{}, {}", r.row.model, r.row.arm) : r.row.model;
    if (r.row.trained != r.row.model) name += fmt::format(", by {}", r.row.trained);
    table.rows.push_back({name, r.phase, std::to_string(r.parameters), share(r.validated_right, r.validated),
                          share(r.test.correct, r.test.n), percent_range(r.test.accuracy_interval),
                          percent_range(r.by_groups), printed(100 * r.test.precision),
                          printed(100 * r.test.recall), printed(100 * r.test.f1)});
    table.rows.push_back({"the paper's", p.phase, std::to_string(zoo_entry(r.row.model).paper_parameters),
                          printed(p.validation), printed(p.test), "", "", printed(p.precision),
                          printed(p.recall), printed(p.f1)});
  }
  return table;
}

Table published_table() {
  Table table{{"reference", "method", "year", "accuracy %"}, {}};
  for (const PublishedResult& r : paper().published)
    table.rows.push_back({r.reference, r.method, std::to_string(r.year), r.accuracy});
  return table;
}

std::vector<Finding> findings_on(const std::vector<Result>& results) {
  std::vector<Finding> findings = findings_of(tested_by(results));
  const auto printed = [&](const Side& side) {
    for (const Result& r : results)
      if (r.last && r.row.model == side.model && r.row.arm == side.data) return r.paper->test;
    throw Error("there is no result of {} on {}", side.model, side.data);
  };
  for (Finding& f : findings) f.paper_points = printed(f.better) - printed(f.other);
  return findings;
}

std::vector<Tested> tested_by(const std::vector<Result>& results) {
  std::vector<Tested> tested;
  for (const Result& r : results)
    if (r.last)
      tested.push_back({r.row.arm, r.row.model, read_predictions(RunFolder::at(r.folder).predictions())});
  return tested;
}

}  // namespace sonograd
