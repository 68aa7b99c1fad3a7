#include "report/figures.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "report/step_curves.h"

using namespace sonograd;

namespace {

// Every tag is closed in order, every attribute quoted; returns the first fault.
std::string xml_fault(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return "a tag without end";
    const std::string tag = text.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" /"));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "unexpected <" + tag + ">";
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "an open quote in <" + tag + ">";
    at = end;
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

// All that stands in quotes.
std::string attributes(const std::string& text) {
  std::string out;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) out += c;
  }
  return out;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

void check_drawing(const Svg& svg) {
  const std::string text = svg.file();
  CHECK(xml_fault(text) == "");
  CHECK_FALSE(attributes(text).find("nan") != std::string::npos);
  CHECK_FALSE(attributes(text).find("inf") != std::string::npos);
  CHECK(text == svg.file());
}

History two_phases() {
  return {{"transfer", 1, 1.0, 0.5, 0.9, 0.95, 1},
          {"finetune", 1, 0.8, 0.6, 0.7, 0.75, 1},
          {"finetune", 2, 0.6, 0.7, 0.6, 0.8, 1},
          {"finetune", 3, 0.5, 0.8, 0.5, 0.8, 1}};
}

}  // namespace

TEST_CASE("ticks are round numbers inside the range") {
  CHECK(nice_ticks(0, 1, 5).size() == 6);
  CHECK(nice_ticks(0, 1, 5)[1] == doctest::Approx(0.2));
  CHECK(nice_ticks(0.61, 0.98, 4).front() == doctest::Approx(0.7));
  CHECK(nice_ticks(1, 59, 7) == std::vector<double>{10, 20, 30, 40, 50});
  CHECK(nice_ticks(3, 3, 5) == std::vector<double>{3});
}

TEST_CASE("text that is too wide keeps what fits, whole characters alone") {
  Svg svg(100, 20, "");
  svg.text(0, 10, "benign tumour", "ink", Svg::start, 60);
  svg.text(0, 10, "ßßßß", "ink", Svg::start, 20);
  svg.text(0, 10, "normal", "ink", Svg::start, 60);
  const std::string text = svg.markup();
  CHECK(text.find("<title>benign tumour</title>benign t…</text>") != std::string::npos);
  CHECK(text.find(">ß…</text>") != std::string::npos);
  CHECK(text.find(">normal</text>") != std::string::npos);
}

TEST_CASE("curves name their phases and mark the first best epoch of the last") {
  const std::string text = accuracy_curves(two_phases()).markup();
  CHECK(count(text, "transfer</t") == 1);
  CHECK(count(text, "kept: finetune 2, 80.0 %") == 1);
  CHECK(count(text, "class=\"dash\"") == 1);
  CHECK(count(text, "class=\"line line-a\"") == 2);  // the curve and its key
  check_drawing(accuracy_curves(two_phases()));
}

TEST_CASE("curves of odd histories are drawings too") {
  for (const auto draw : {accuracy_curves, loss_curves}) {
    check_drawing(draw({}));
    check_drawing(draw({{"scratch", 1, 1.1, 0.4, Epoch::nan, Epoch::nan, 1}}));
    History spike = two_phases();
    for (int i = 4; i < 30; ++i) spike.push_back({"finetune", i, 0.3, 0.9, 0.4, 0.8, 1});
    spike[0].val_loss = 1e4;
    spike[1].val_loss = std::numeric_limits<double>::infinity();
    check_drawing(draw(spike));
  }
  History spike(20, Epoch{"scratch", 1, 0.5, 0.5, 0.5, 0.5, 1});
  spike[0].val_loss = 40;
  CHECK(count(loss_curves(spike).markup(), "1 values above, up to 40") == 1);
}

TEST_CASE("curves of many steps are thinned to means") {
  std::vector<double> rising;
  for (int i = 0; i < 6000; ++i) rising.push_back(i);
  const Svg svg = step_curves("loss", {{"real", rising}, {"generated", std::vector<double>(6000, 0.5)}});
  check_drawing(svg);
  const std::string text = svg.markup();
  CHECK(count(text, "each point is the mean of 30") == 1);
  CHECK(count(text, ">generated<") == 1);
  CHECK(text.size() < 8000);
  for (const std::size_t steps : {0, 1, 2, 12})
    check_drawing(step_curves("similarity", {{"generated", std::vector<double>(steps, -0.1)}}, 1));
}

TEST_CASE("the confusion matrix shows each count and its share of the row") {
  const Metrics m = measure({"a", "<b>"}, {0, 0, 0, 0, 1}, std::vector<Int>{0, 0, 0, 1, 1});
  const std::string text = confusion_matrix(m).markup();
  CHECK(count(text, ">75 %<") == 1);
  CHECK(count(text, ">3<") == 1);
  CHECK(count(text, "&lt;b&gt;") == 2);
  CHECK(count(text, "<b>") == 0);
  check_drawing(confusion_matrix(m));
}

TEST_CASE("the other figures are drawings, with absent classes and long names too") {
  const std::vector<std::string> names = {"benign", "a class with a very long name indeed — ß", "none"};
  const Metrics m = measure(names, {0, 1, 0}, std::vector<std::vector<double>>(3, {0.5, 0.3, 0.2}));
  std::vector<Prediction> predictions;
  for (const Int truth : {0, 1, 0}) predictions.push_back({"x.png", truth, 0, {0.5, 0.3, 0.2}});
  check_drawing(per_class_bars(m));
  check_drawing(confusion_matrix(m));
  check_drawing(class_counts({{names[1], 350, 43, 44}, {"empty", 0, 0, 0}}));
  check_drawing(accuracy_ladder("this model", m, {{"majority class", 2, 3}, {"nobody", 0, 0}}));
  check_drawing(roc_curves(names, predictions));
  check_drawing(reliability(m, predictions));
  CHECK(count(reliability(m, predictions).markup(), ">15 bins of<") == 1);
  check_drawing(probability_bars(names, predictions[0]));
  CHECK(count(per_class_bars(m).markup(), "…</text>") == 1);
  CHECK(count(per_class_bars(m).markup(), "<title>a class with a very long name indeed — ß</title>") == 1);
}

TEST_CASE("dots of accuracies are a drawing with a place for each model, measured or not") {
  const std::vector<DotRow> rows{{"<ours>", "by a small one", true}, {"theirs", ""}};
  const Svg svg = accuracy_dots(rows, {{"one", 0.5, {{3, 4, wilson_interval(3, 4), 0.9}, {}}},
                                       {"two", 0, {{0, 4, wilson_interval(0, 4)}}}});
  check_drawing(svg);
  const std::string text = svg.markup();
  CHECK(count(text, ">75.0<") == 1);
  CHECK(count(text, "&lt;ours&gt;, one: 3 of 4, ") == 1);
  CHECK(count(text, "published: 90.0 %") == 1);  // of the other cells nothing is known
  check_drawing(accuracy_dots({}, {}));
}
