#include <algorithm>
#include <map>

#include "apps/experiment/results.h"
#include "report/figures.h"
#include "report/plot.h"
#include "report/run_folder.h"
#include "tensor/file.h"

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

}  // namespace

std::vector<Figure> figures_of(const std::vector<Result>& results) {
  std::vector<Figure> figures;
  std::vector<const Result*> of_arms;
  int number = 9;
  for (const std::string arm : {"original", "augmented", "gan"}) {
    const Result* r = proposed(results, arm);
    if (r) {
      of_arms.push_back(r);
      const RunFolder run = RunFolder::at(r->folder);
      const History history = read_history(run.history());
      const int counts = arm == "original" ? 2 : 3;
      figures.push_back({fmt::format("fig{:02}_{}", counts, arm),
                         fmt::format("Fig. {}: images, {}", counts, arm),
                         class_counts(read_manifest(run.manifest()).classes)});
      figures.push_back({fmt::format("fig{:02}_accuracy_{}", number, arm),
                         fmt::format("Fig. {}: accuracy, {}", number, arm), accuracy_curves(history)});
      figures.push_back({fmt::format("fig{:02}_loss_{}", number + 1, arm),
                         fmt::format("Fig. {}: loss, {}", number + 1, arm), loss_curves(history)});
      figures.push_back({fmt::format("fig{:02}_confusion_{}", number + 2, arm),
                         fmt::format("Fig. {}: confusion matrix, {}", number + 2, arm),
                         confusion_matrix(r->test)});
    }
    number += 3;
  }
  if (!of_arms.empty())
    figures.push_back(
        {"fig18_scenarios", "Fig. 18: the proposed model on each data set", scenarios(of_arms)});
  return figures;
}

std::vector<Overlay> overlays_of(const std::vector<Result>& results) {
  std::vector<Overlay> overlays;
  for (const Result& r : results) {
    if (r.row.model != "aeganb3" || !r.last || !overlays.empty()) continue;
    std::map<std::string, std::string> first;  // file of each class, in byte order
    for (const auto& entry : std::filesystem::directory_iterator(r.folder + "/explanations")) {
      const std::string file = entry.path().filename().string();
      if (entry.path().extension() != ".png") continue;
      for (const std::string& name : r.test.classes)
        if (file.rfind(name + "_", 0) == 0 && (first[name].empty() || file < first[name])) first[name] = file;
    }
    for (const auto& [name, file] : first)
      overlays.push_back({"fig08_" + name, name, read_file(r.folder + "/explanations/" + file)});
  }
  return overlays;
}

}  // namespace sonograd
