#include "report/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "report/compare.h"
#include "report/delong.h"

using namespace sonograd;
using Json = nlohmann::json;

namespace {

const Json& golden() {
  static const Json json = Json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/metrics.json"));
  return json;
}

void check_near(double ours, const Json& theirs) {
  if (theirs.is_null()) {
    CHECK(std::isnan(ours));
  } else {
    CHECK(std::abs(ours - theirs.get<double>()) < 1e-12);
  }
}

}  // namespace

TEST_CASE("metrics are scikit-learn's") {
  REQUIRE(golden()["cases"].size() == 4);
  for (const Json& expected : golden()["cases"]) {
    CAPTURE(expected["name"].get<std::string>());
    const auto probabilities = expected["probabilities"].get<std::vector<std::vector<double>>>();
    std::vector<std::string> names;
    for (std::size_t c = 0; c < probabilities[0].size(); ++c) names.push_back(fmt::format("class {}", c));
    const Metrics m = measure(names, expected["truth"].get<std::vector<Int>>(), probabilities);
    check_near(m.accuracy, expected["accuracy"]);
    check_near(m.precision, expected["weighted"][0]);
    check_near(m.recall, expected["weighted"][1]);
    check_near(m.f1, expected["weighted"][2]);
    check_near(m.brier, expected["brier"]);
    CHECK(m.confusion == expected["confusion"].get<std::vector<std::vector<Int>>>());
    for (std::size_t c = 0; c < names.size(); ++c) {
      check_near(m.per_class[c].precision, expected["precision"][c]);
      check_near(m.per_class[c].recall, expected["recall"][c]);
      check_near(m.per_class[c].f1, expected["f1"][c]);
      check_near(m.per_class[c].auc, expected["auc"][c]);
      CHECK(m.per_class[c].support == expected["support"][c].get<Int>());
    }
  }
}

TEST_CASE("average precision and sensitivity are scikit-learn's, DeLong's test is its definition's") {
  Int checked = 0;
  for (const Json& expected : golden()["cases"]) {
    if (!expected.contains("ranking")) continue;
    CAPTURE(expected["name"].get<std::string>());
    const auto probabilities = expected["probabilities"].get<std::vector<std::vector<double>>>();
    const auto truth = expected["truth"].get<std::vector<Int>>();
    const std::size_t classes = probabilities[0].size();
    for (std::size_t c = 0; c < classes; ++c) {
      Scores scores, other;
      for (std::size_t i = 0; i < truth.size(); ++i) {
        scores.positive.push_back(truth[i] == static_cast<Int>(c));
        scores.score.push_back(probabilities[i][c]);
        other.score.push_back(-probabilities[i][(c + 1) % classes]);
      }
      other.positive = scores.positive;
      const Json& row = expected["ranking"][c];
      check_near(average_precision(scores), row["average_precision"]);
      const Sensitivity found = sensitivity_at(0.9, scores);
      check_near(static_cast<double>(found.hits) / static_cast<double>(found.n), row["sensitivity"]);
      CHECK(found.specificity >= 0.9);
      check_near(delong(scores).auc, row["delong"][0]);
      check_near(delong(scores).variance, row["delong"][1]);
      check_near(delong(scores, other).z, row["delong"][2]);
      check_near(delong(scores, other).p, row["delong"][3]);
      ++checked;
    }
  }
  CHECK(checked == 11);

  // Thresholds below the one that finds the last positive add false alarms alone.
  Scores scores;
  scores.score = {0.9, 0.8};
  scores.positive = {true, false};
  for (int i = 0; i < 19; ++i) {
    scores.score.push_back(0.1);
    scores.positive.push_back(false);
  }
  const Sensitivity all = sensitivity_at(0.95, scores);
  CHECK(all.hits == 1);
  CHECK(all.n == 1);
  CHECK(all.specificity == 1);
}

TEST_CASE("Wilson's interval is SciPy's") {
  for (const Json& row : golden()["wilson"]) {
    const Interval interval = wilson_interval(row[0].get<Int>(), row[1].get<Int>());
    check_near(interval.low, row[2]);
    check_near(interval.high, row[3]);
  }
}

TEST_CASE("McNemar's exact p is SciPy's binomial test") {
  for (const Json& row : golden()["mcnemar"]) {
    check_near(mcnemar(50, row[0].get<Int>(), row[1].get<Int>(), 4).p, row[2]);
  }
}
