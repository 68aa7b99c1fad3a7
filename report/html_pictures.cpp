#include <algorithm>

#include "base/error.h"
#include "report/html_parts.h"

namespace sonograd {

static std::string card(const ReportData& data, const ExplainedImage& item) {
  const Prediction& p = item.prediction;
  const auto& classes = data.test.classes;
  const std::string &truth = classes.at(static_cast<std::size_t>(p.truth)),
                    &called = classes.at(static_cast<std::size_t>(p.predicted));
  const std::string pill = p.truth == p.predicted
                               ? "<span class=\"pill right\">✓ right</span>"
                               : "<span class=\"pill wrong\">✗ is " + escape_html(truth) + "</span>";
  return fmt::format(
      "<article class=\"panel card\"><div class=\"pair\">{}{}</div>\n<div class=\"text\"><p class=\"answer\">"
      "<strong>{}</strong>{}</p>\n{}<p class=\"file\">{}{}</p></div></article>\n",
      image(item.image, "ultrasound image, " + truth), image(item.overlay, "the same with a heat map"),
      escape_html(called), pill, probability_bars(classes, p).markup(), escape_html(p.file),
      item.note.empty() ? "" : "<br>" + escape_html(item.note));
}

// The surest mistakes first: they say most.
std::string gallery_section(const ReportData& data) {
  if (data.gallery.empty()) return "";
  std::vector<const ExplainedImage*> right, wrong;
  for (const auto& item : data.gallery)
    (item.prediction.truth == item.prediction.predicted ? right : wrong).push_back(&item);
  const auto confidence = [](const ExplainedImage* item) {
    const auto& p = item->prediction.probabilities;
    return p.empty() ? 0.0 : *std::max_element(p.begin(), p.end());
  };
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](auto* a, auto* b) { return confidence(a) > confidence(b); });
  std::string out = section(
      "What the answers rest on",
      "Left the image as the network saw it, right the same with a heat map: the warmer, the more a place "
      "raised the score of the class that was called. " +
          data.explained_by);
  const auto group = [&](const std::string& heading, const std::vector<const ExplainedImage*>& items) {
    if (items.empty()) return;
    out += "<h3>" + heading + "</h3>\n<div class=\"gallery\">\n";
    for (const auto* item : items) out += card(data, *item);
    out += "</div>\n";
  };
  group(fmt::format("Mistakes: {} of {}, the surest first", wrong.size(), data.test.n - data.test.correct),
        wrong);
  group(fmt::format("Right answers: {} of {}", right.size(), data.test.correct), right);
  return out;
}

static std::string samples(const ReportData& data) {
  std::string out = "<div class=\"panel\"><h3>Samples</h3>\n";
  for (const std::string& name : data.test.classes) {
    out += fmt::format("<p class=\"row\">{}</p><div class=\"samples\">\n", escape_html(name));
    for (const auto& s : data.samples) {
      if (s.class_name == name) out += image(s.png, name + ": " + s.file) + "\n";
    }
    out += "</div>\n";
  }
  return out + "</div>\n";
}

std::string data_section(const ReportData& data) {
  const Manifest& m = data.manifest;
  Int total = 0;
  for (const auto& c : m.classes) total += c.train + c.validation + c.test;
  std::string out = section("Data", "");
  out +=
      "<div class=\"grid\">\n<div class=\"panel\"><h3>Images of each class</h3>\n" +
      class_counts(m.classes).markup() + "<dl class=\"facts\">" + fact("images", fmt::format("{}", total)) +
      fact("unreadable files", fmt::format("{}", m.bad_files.size())) + fact("split protocol", m.protocol) +
      fact("folder", m.data) + fact("SHA-256 of the data", m.data_hash.substr(0, 12)) +
      fact("SHA-256 of the split", m.split_hash.substr(0, 12)) + "</dl></div>\n";
  if (!data.samples.empty()) out += samples(data);
  out += "</div>\n";
  if (m.bad_files.empty()) return out;
  Table bad{{"file", "reason"}, {}};
  for (const auto& b : m.bad_files) bad.rows.push_back({b.file, b.reason});
  return out +
         fmt::format(
             "<details><summary>Files that could not be read and were left out: {}</summary>{}</details>\n",
             m.bad_files.size(), bad.html());
}

}  // namespace sonograd
