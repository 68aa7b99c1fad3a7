#include "report/html.h"

#include <cmath>

#include "base/error.h"
#include "report/html_parts.h"
#include "report/html_style.h"

namespace sonograd {
namespace {

std::string minutes(const History& history) {
  double seconds = 0;
  for (const Epoch& e : history) seconds += e.seconds;
  return seconds < 90 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.0f} min", seconds / 60);
}

std::string verdict(const ReportData& data) {
  const Metrics& t = data.test;
  std::string out = fmt::format(
      "<header>\n<p class=\"eyebrow\">Sonograd run report, for research only</p>\n<h1>{}</h1>\n<p "
      "class=\"lead\">{}</p>\n</header>\n"
      "<section class=\"panel verdict\">\n<div><div class=\"score\">{:.1f}<small>%</small></div>\n"
      "<p><strong>{} of {} test images right.</strong> With this many images, the 95 % interval (Wilson) "
      "runs from "
      "{:.1f} to {:.1f} %.</p></div>\n{}</section>\n",
      escape_html(data.title), escape_html(data.lead), 100 * t.accuracy, t.correct, t.n,
      100 * t.accuracy_interval.low, 100 * t.accuracy_interval.high,
      accuracy_ladder("this model", t, data.baselines).markup());
  const auto decimal = [](double v) { return std::isnan(v) ? std::string() : fmt::format("{:.3f}", v); };
  out += "<dl class=\"facts\">\n" + fact("F1", percent(t.f1, 1)) +
         fact("precision", percent(t.precision, 1)) + fact("mean AUC", decimal(t.auc)) +
         fact("cross-entropy", decimal(t.loss)) +
         fact("epochs", data.history.empty() ? "" : fmt::format("{}", data.history.size())) +
         fact("training time", data.history.empty() ? "" : minutes(data.history)) +
         fact("seed", fmt::format("{}", data.manifest.seed)) + "</dl>\n";
  return out;
}

std::string training(const ReportData& data) {
  if (data.history.empty()) return "";
  return section("Training",
                 "Training values are means over an epoch while the weights still move, with dropout on; "
                 "validation is measured after it, with dropout off.") +
         "<div class=\"grid\">\n" + panel("Accuracy", accuracy_curves(data.history)) +
         panel("Loss", loss_curves(data.history)) + "</div>\n";
}

std::string mistakes(const ReportData& data) {
  std::string out =
      section("Where it is right and where it errs",
              "Counts on the test images, none of which took part in training or in the choice of weights.");
  out +=
      "<div class=\"grid\">\n" +
      panel("Confusion matrix", confusion_matrix(data.test),
            "Shading is the share of the row; mistakes in red.") +
      panel("Each class", per_class_bars(data.test),
            "Precision: of those called so, how many are. Recall: of those that are, how many were found.");
  if (!data.predictions.empty()) {
    out +=
        panel("ROC, one class against the rest", roc_curves(data.test.classes, data.predictions),
              "Upwards: images of the class that were found, as the threshold falls. AUC 0.5 is guessing.") +
        panel("Precision and recall, one class against the rest",
              precision_recall_curves(data.test.classes, data.predictions),
              "How many of those called so are right, as more of the class are found.") +
        panel("Calibration", reliability(data.test, data.predictions),
              "Dashed: as sure as right. The larger a dot, the more images; lines are 95 % intervals.");
  }
  return out + "</div>\n<h3>In numbers</h3>\n<div class=\"panel scroll\">" +
         per_class_table(data.test).html() + "</div>\n";
}

}  // namespace

std::string report_html(const ReportData& data) {
  return html_page(data.title, page_style + figure_style(),
                   verdict(data) + mistakes(data) + gallery_section(data) + training(data) +
                       data_section(data) + manifest_section(data) + notes_section(data) +
                       "<footer>Written by Sonograd" +
                       (data.manifest.finished.empty() ? "" : ", " + escape_html(data.manifest.finished)) +
                       ". The figures are beside this file as SVG, the tables as CSV.</footer>\n");
}

}  // namespace sonograd
