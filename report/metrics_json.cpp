#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fault.h"
#include "report/metrics.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

Json pair(Interval i) {
  return Json::array({i.low, i.high});
}
Interval interval(const Json& json) {
  return {json.at(0).get<double>(), json.at(1).get<double>()};
}
double number(const Json& json, const char* key) {  // null, and a key that is absent, stand for NaN
  return json.contains(key) && !json[key].is_null() ? json[key].get<double>() : Metrics::nan;
}

}  // namespace

std::string metrics_json(const Metrics& m) {
  Json json{{"n", m.n}, {"correct", m.correct}, {"accuracy", m.accuracy}, {"precision", m.precision}};
  json.update(Json{{"recall", m.recall}, {"f1", m.f1}, {"loss", m.loss}, {"auc", m.auc}, {"brier", m.brier}});
  json.update(
      Json{{"ece", m.ece},
           {"ece_bins", {{"number", calibration_bins}, {"kind", "equal width, of the top probability"}}},
           {"classes", m.classes}});
  Json precision = Json::array(), recall = Json::array(), per_class = Json::array();
  for (const auto& c : m.per_class) {
    per_class.push_back({{"class", c.name},
                         {"support", c.support},
                         {"predicted", c.predicted},
                         {"correct", c.correct},
                         {"precision", c.precision},
                         {"recall", c.recall},
                         {"f1", c.f1},
                         {"auc", c.auc}});
    precision.push_back(pair(c.precision_interval));
    recall.push_back(pair(c.recall_interval));
  }
  json["per_class"] = per_class;
  json["confusion"] = m.confusion;
  json["intervals"] = {{"method", "wilson"},
                       {"level", 0.95},
                       {"accuracy", pair(m.accuracy_interval)},
                       {"precision", precision},
                       {"recall", recall}};
  return json.dump(2) + "\n";
}

Metrics read_metrics(const std::filesystem::path& path) try {
  const Json json = Json::parse(read_file(path));
  Metrics m;
  json.at("n").get_to(m.n);
  json.at("correct").get_to(m.correct);
  json.at("accuracy").get_to(m.accuracy);
  json.at("precision").get_to(m.precision);
  json.at("recall").get_to(m.recall);
  json.at("f1").get_to(m.f1);
  m.loss = number(json, "loss");
  m.auc = number(json, "auc");
  m.brier = number(json, "brier");
  m.ece = number(json, "ece");
  json.at("classes").get_to(m.classes);
  json.at("confusion").get_to(m.confusion);
  const Json& intervals = json.at("intervals");
  m.accuracy_interval = interval(intervals.at("accuracy"));
  for (std::size_t i = 0; i < m.classes.size(); ++i) {
    const Json& c = json.at("per_class").at(i);
    m.per_class.push_back({m.classes[i], c.at("support").get<Int>(), c.at("predicted").get<Int>(),
                           c.at("correct").get<Int>(), c.at("precision").get<double>(),
                           c.at("recall").get<double>(), c.at("f1").get<double>(),
                           interval(intervals.at("precision").at(i)), interval(intervals.at("recall").at(i)),
                           number(c, "auc")});
  }
  return m;
} catch (const nlohmann::json::exception& error) {
  throw Error(
      "{}: not a metrics.json of ours: {}; make it again with `sonograd evaluate --run RUN --out RUN`",
      path.string(), fault_of(error));
}

}  // namespace sonograd
