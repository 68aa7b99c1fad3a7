#pragma once
#include "apps/experiment/findings.h"
#include "apps/experiment/paper.h"
#include "apps/experiment/rows.h"
#include "report/manifest.h"
#include "report/metrics.h"
#include "report/pairwise.h"
#include "report/svg.h"

namespace sonograd {

// A phase of a finished row, as its run's folder has it.
struct Result {
  Row row;
  std::string folder, phase;
  bool last;  // of the row's phases
  Int parameters, validated_right, validated;
  Metrics test;
  Interval by_groups;  // report/bootstrap.h, over groups of near duplicates
  const PaperRow* paper;
  Manifest manifest;  // of the row
  Int epochs = 0;     // of the phase, and the seconds that they took
  double seconds = 0;
};
std::vector<Result> results_of(const std::vector<Row>& rows, const ExperimentFlags& flags,
                               std::uint64_t seed);

// A table of the paper's, "I" … "IV", beside our numbers; percentages.
Table paper_table(const std::string& numeral, const std::vector<Result>& results);
// What of it fits on a page, the paper's row under each of ours.
Table paper_table_page(const std::string& numeral, const std::vector<Result>& results);
Table published_table();                                            // Table V
std::vector<Tested> tested_by(const std::vector<Result>& results);  // the last phase of each row

// What holds of the paper's comparisons, with the paper's own points.
std::vector<Finding> findings_on(const std::vector<Result>& results);

struct Figure {
  std::string name, heading;
  std::string caption;  // the paper's numbers
  Svg svg;
};
// Every model on every data set, the paper's number beside it.
Svg overview_of(const std::vector<Result>& results);
// Figures 2, 3, 9 to 17 (of the proposed model) and 18, as far as there are results for them.
std::vector<Figure> figures_of(const std::vector<Result>& results);

struct Overlay {
  std::string name, caption, png;
};
// Figure 8: the first explained test image of each class, of the proposed model, and what it was called.
struct Overlays {
  std::string layer;  // that the maps read; "" where an older program did not write it down
  std::vector<Overlay> images;
};
Overlays overlays_of(const std::vector<Result>& results);

// RUN/tables, RUN/figures, RUN/report.html and, last, RUN/summary.json, which is returned. `settings`:
// experiment.json's.
std::string write_experiment(const std::string& table, const std::vector<Result>& results,
                             const ExperimentFlags& flags, const Profile& profile,
                             const nlohmann::ordered_json& settings);

}  // namespace sonograd
