#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "apps/experiment/results.h"
#include "base/file.h"
#include "report/figures.h"
#include "report/plot.h"
#include "report/run_folder.h"

namespace sonograd {
namespace {

const Result* proposed(const std::vector<Result>& results, const std::string& arm) {
  for (const Result& r : results)
    if (r.row.model == "aeganb3" && r.row.arm == arm && r.last) return &r;
  return nullptr;
}

// Figure 18: the proposed model's four measures in each scenario, a line where the paper's number is.
Svg scenarios(const std::vector<const Result*>& results) {
  const double bar = 15, group = 4 * bar + 24, top = 32;
  const double bottom = top + group * static_cast<double>(results.size());
  Svg svg(figure_width, bottom + 24, "the proposed model on the three data sets");
  const Plot plot{svg, 90, top, figure_width - 58, bottom, 0, 1, 0, 1};
  Legend legend(svg, 0, 16);
  legend.box("fill-a", "accuracy");
  legend.box("fill-c", "precision");
  legend.box("fill-d", "recall");
  legend.box("fill-e", "F1");
  legend.line("whisker", "paper");
  plot.x_quarters();
  double y = top + 12;
  for (const Result* r : results) {
    svg.text(0, y + 2 * bar, r->row.arm, "ink strong", Svg::start, plot.left - 8);
    const struct {
      double ours, paper;
      const char* css;
    } bars[] = {{r->test.accuracy, r->paper->test, "fill-a"},
                {r->test.precision, r->paper->precision, "fill-c"},
                {r->test.recall, r->paper->recall, "fill-d"},
                {r->test.f1, r->paper->f1, "fill-e"}};
    double at = y;
    for (const auto& b : bars) {
      svg.rect(plot.left, at, plot.x(b.ours) - plot.left, bar - 2, b.css, 0.8);
      svg.line(plot.x(b.paper / 100), at, plot.x(b.paper / 100), at + bar - 2, "whisker");
      svg.text(figure_width, at + bar - 4, percent(b.ours, 1), "ink small", Svg::end);
      at += bar;
    }
    y += group;
  }
  return svg;
}

// The caption of a figure: what the text says of it, else what a table does.
std::string printed(int number, const std::string& otherwise) {
  const auto said = paper().curves.find(std::to_string(number));
  return "The paper's: " + (said == paper().curves.end() ? otherwise : said->second);
}

std::string printed_share(double percentage, Int n) {
  const std::optional<Int> k = count_behind(percentage, n);
  return k ? fmt::format("{} of {} right", *k, n) : fmt::format("{:.2f} % of {} right", percentage, n);
}

std::string printed_counts(const std::string& arm) {
  const PaperArm& p = paper().arm(arm);
  return fmt::format("The paper's: {} images, {} to train, {} to validate, {} to test", p.images, p.train,
                     p.validation, p.test);
}

}  // namespace

Svg overview_of(const std::vector<Result>& results) {
  std::vector<DotRow> rows;
  std::vector<DotColumn> columns;
  const auto row_of = [&](const Result& r) {
    const auto found =
        std::find_if(rows.begin(), rows.end(), [&](const DotRow& row) { return row.name == r.row.model; });
    if (found != rows.end()) return static_cast<std::size_t>(found - rows.begin());
    rows.push_back(
        {r.row.model, r.row.trained == r.row.model ? "" : "by " + r.row.trained, r.row.model == "aeganb3"});
    return rows.size() - 1;
  };
  const std::map<std::string, std::string> names{
      {"original", "original images"}, {"augmented", "augmented copies"}, {"gan", "DCGAN's pictures"}};
  for (const PaperArm& arm : paper().arms) {
    DotColumn column{names.at(arm.name), 0, {}};
    for (const Result& r : results) {
      if (r.row.arm != arm.name || !r.last) continue;
      const std::size_t row = row_of(r);
      if (column.dots.size() <= row) column.dots.resize(row + 1);
      column.dots[row] = {r.test.correct, r.test.n, r.test.accuracy_interval, r.paper->test / 100};
      for (const ClassMetrics& c : r.test.per_class)
        column.largest_class =
            std::max(column.largest_class, static_cast<double>(c.support) / static_cast<double>(r.test.n));
    }
    if (!column.dots.empty()) columns.push_back(std::move(column));
  }
  return accuracy_dots(rows, columns);
}

std::vector<Figure> figures_of(const std::vector<Result>& results) {
  std::vector<Figure> figures;
  std::vector<const Result*> of_arms;
  int number = 9;
  for (const std::string arm : {"original", "augmented", "gan"}) {
    const Result* r = proposed(results, arm);
    if (r) {
      of_arms.push_back(r);
      const PaperRow& fine_tuned = paper().row("aeganb3", arm, "finetune");
      const RunFolder run = RunFolder::at(r->folder);
      const History history = read_history(run.history());
      const int counts = arm == "original" ? 2 : 3;
      figures.push_back({fmt::format("fig{:02}_{}", counts, arm),
                         fmt::format("Fig. {}: images, {}", counts, arm), printed_counts(arm),
                         class_counts(read_manifest(run.manifest()).classes)});
      figures.push_back(
          {fmt::format("fig{:02}_accuracy_{}", number, arm),
           fmt::format("Fig. {}: accuracy, {}", number, arm),
           printed(number, fmt::format("validation {:.2f} % after fine-tuning", fine_tuned.validation)),
           accuracy_curves(history)});
      figures.push_back({fmt::format("fig{:02}_loss_{}", number + 1, arm),
                         fmt::format("Fig. {}: loss, {}", number + 1, arm),
                         printed(number + 1, "no number is printed"), loss_curves(history)});
      figures.push_back({fmt::format("fig{:02}_confusion_{}", number + 2, arm),
                         fmt::format("Fig. {}: confusion matrix, {}", number + 2, arm),
                         printed(number + 2, printed_share(fine_tuned.test, paper().arm(arm).test)),
                         confusion_matrix(r->test)});
    }
    number += 3;
  }
  if (!of_arms.empty())
    figures.push_back(
        {"fig18_scenarios", "Fig. 18: the proposed model on each data set", "", scenarios(of_arms)});
  return figures;
}

Overlays overlays_of(const std::vector<Result>& results) {
  Overlays overlays;
  for (const Result& r : results) {
    if (r.row.model != "aeganb3" || !r.last || !overlays.images.empty()) continue;
    std::map<std::string, Prediction> explained;  // by the stem of the file, see Evidence::gallery
    for (Prediction& p : read_predictions(RunFolder::at(r.folder).predictions()).rows) {
      std::string name = p.file;
      std::replace(name.begin(), name.end(), '/', '_');
      explained.emplace(std::filesystem::path(name).stem().string(), std::move(p));
    }
    std::set<Int> seen;
    for (const auto& [stem, p] : explained) {
      const auto file = std::filesystem::path(r.folder) / "explanations" / (stem + ".png");
      if (!std::filesystem::exists(file) || !seen.insert(p.truth).second) continue;
      const std::string &truth = r.test.classes.at(static_cast<std::size_t>(p.truth)),
                        &called = r.test.classes.at(static_cast<std::size_t>(p.predicted));
      const auto printed = paper().confidences.find(truth);
      overlays.images.push_back(
          {"fig08_" + truth,
           fmt::format(
               "{}: called {} with {:.4f}{}", truth, called,
               p.probabilities.at(static_cast<std::size_t>(p.predicted)),
               printed == paper().confidences.end() ? "" : fmt::format("; the paper's: {}", printed->second)),
           read_file(file)});
    }
    if (!overlays.images.empty()) overlays.layer = r.manifest.explained_layer;
  }
  return overlays;
}

}  // namespace sonograd
