#include "report/metrics.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"

using namespace sonograd;

TEST_CASE("a confusion matrix by hand") {
  const Metrics m = measure({"benign", "normal"}, {0, 0, 0, 1}, std::vector<Int>{0, 1, 0, 1});
  CHECK(m.n == 4);
  CHECK(m.correct == 3);
  CHECK(m.confusion == std::vector<std::vector<Int>>{{2, 1}, {0, 1}});
  CHECK(m.per_class[0].precision == 1);
  CHECK(m.per_class[1].precision == 0.5);
  CHECK(m.per_class[0].recall == doctest::Approx(2.0 / 3));
  CHECK(m.precision == doctest::Approx((3 * 1 + 1 * 0.5) / 4));
  CHECK(std::isnan(m.auc));
}

TEST_CASE("equal probabilities go to the first class, equal scores count half in the AUC") {
  const Metrics m = measure({"a", "b"}, {0, 1}, std::vector<std::vector<double>>{{0.5, 0.5}, {0.5, 0.5}});
  CHECK(m.correct == 1);
  CHECK(m.auc == 0.5);
  CHECK(m.ece == 0);
  CHECK(m.brier == 0.5);
}

TEST_CASE("the calibration error is the gap between confidence and accuracy") {
  const std::vector<std::vector<double>> sure(4, {0.9, 0.1});
  CHECK(measure({"a", "b"}, {0, 0, 0, 1}, sure).ece == doctest::Approx(0.15));
}

TEST_CASE("labels that do not fit are errors") {
  const auto message = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  const std::vector<std::string> classes = {"a", "b"};
  CHECK(message([&] {
          measure(classes, {0, 1}, std::vector<Int>{0});
        }) == "metrics: 2 true labels but 1 predictions");
  CHECK(message([&] {
          measure(classes, {0, 1}, std::vector<Int>{0, 2});
        }) == "metrics: image 1 has label 2, but there are 2 classes");
  CHECK(message([&] { measure(classes, {}, std::vector<Int>{}); }) ==
        "metrics: there are no images to measure; give a test set with at least one");
  CHECK(message([&] { measure(classes, {0}, std::vector<std::vector<double>>{{1.0}}); }) ==
        "metrics: image 0 has 1 probabilities, but there are 2 classes");
}

TEST_CASE("metrics.json reads back as it was written") {
  const std::filesystem::path path = fmt::format("{}/metrics_test.{}.json", SONOGRAD_BINARY_DIR, ::getpid());
  Metrics m =
      measure({"benign", "normal", "malignant"}, {0, 1, 2, 2},
              std::vector<std::vector<double>>{{.7, .2, .1}, {.5, .3, .2}, {.1, .1, .8}, {.2, .2, .6}});
  m.loss = 0.123456789012345;
  write_file_atomically(path, metrics_json(m));
  CHECK(metrics_json(m).find("\"number\": 15") != std::string::npos);  // the ECE's bins
  const Metrics back = read_metrics(path);
  CHECK(metrics_json(back) == metrics_json(m));
  CHECK(back.loss == m.loss);
  CHECK(back.per_class[2].recall_interval.low == m.per_class[2].recall_interval.low);
  CHECK(std::isnan(
      read_metrics(
          (write_file_atomically(path, metrics_json(measure({"a", "b"}, {0}, std::vector<Int>{0}))), path))
          .auc));
  write_file_atomically(path, "{\"n\": 3}");
  CHECK_THROWS_AS(read_metrics(path), Error);
  std::filesystem::remove(path);
}

TEST_CASE("a probability that is not a number is an error") {
  const std::vector<std::vector<double>> rows{{0.5, 0.5}, {std::nan(""), 0.5}};
  CHECK_THROWS_WITH_AS(measure({"a", "b"}, {0, 1}, rows),
                       "metrics: image 1 has a probability that is not a number; are the weights sound?",
                       Error);
}
