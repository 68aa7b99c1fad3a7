#include "apps/experiment/summary.h"

#include <algorithm>
#include <cmath>

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

Json ends(Interval interval) {
  return {interval.low, interval.high};
}

// A flag of the row's run; null where an older program did not write it.
Json flag(const Manifest& manifest, const std::string& name) {
  for (const auto& [key, value] : manifest.flags)
    if (key == name) return value;
  return nullptr;
}

Json json_of(const Result& r) {
  ClassCount images;
  for (const ClassCount& c : r.manifest.classes) {
    images.train += c.train;
    images.validation += c.validation;
    images.test += c.test;
  }
  const PaperRow& p = *r.paper;
  return {{"model", r.row.model},
          {"trained", r.row.trained},
          {"arm", r.row.arm},
          {"phase", r.phase},
          {"parameters", r.parameters},
          {"dtype", flag(r.manifest, "dtype")},
          {"images", {{"train", images.train}, {"validation", images.validation}, {"test", images.test}}},
          {"split_hash", r.manifest.split_hash},
          {"epochs", r.epochs},
          {"seconds", r.seconds},
          {"validation", {{"correct", r.validated_right}, {"n", r.validated}}},
          {"test", {{"correct", r.test.correct}, {"n", r.test.n}}},
          {"wilson", ends(r.test.accuracy_interval)},
          {"by_groups", ends(r.by_groups)},
          {"precision", r.test.precision},
          {"recall", r.test.recall},
          {"f1", r.test.f1},
          {"paper_percent",
           {{"phase", p.phase},
            {"validation", p.validation},
            {"test", p.test},
            {"precision", p.precision},
            {"recall", p.recall},
            {"f1", p.f1}}}};
}

// The machines and programs that trained the rows, each once; most often it is one.
Json ran_on(const std::vector<Result>& results) {
  auto list = Json::array();
  for (const Result& r : results) {
    const Manifest& m = r.manifest;
    Json one{{"machine",
              {{"processor", m.machine.processor},
               {"cores", m.machine.cores},
               {"memory_gib", std::round(10 * m.machine.memory_gib) / 10},
               {"system", m.machine.system}}},
             {"device", m.device},
             {"threads", m.threads},
             {"instruction_set", m.instruction_set},
             {"versions", Json::object()}};
    for (const auto& [name, version] : m.versions) one["versions"][name] = version;
    if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(std::move(one));
  }
  return list;
}

Json json_of(const std::vector<Finding>& findings) {
  auto list = Json::array();
  const auto side = [](const Side& s) {
    return Json{{"model", s.model}, {"data", s.data}, {"correct", s.correct}, {"n", s.n}};
  };
  for (const Finding& f : findings) {
    list.push_back({{"id", f.id},
                    {"claim", f.claim},
                    {"verdict", standing_name(f.standing)},
                    {"better", side(f.better)},
                    {"other", side(f.other)},
                    {"points", f.points()},
                    {"paper_points", f.paper_points},
                    {"mcnemar", nullptr}});
    if (f.test)
      list.back()["mcnemar"] = {{"only_better", f.test->only_first},
                                {"only_other", f.test->only_second},
                                {"p", f.p},
                                {"p_holm", f.holm}};
    else
      list.back()["no_mcnemar"] = f.no_test;
  }
  return list;
}

Json pairs_of(const std::vector<Result>& results) {
  auto list = Json::array();
  for (const TestedPair& pair : every_pair(tested_by(results)))
    list.push_back({{"data", pair.data},
                    {"first", pair.first},
                    {"second", pair.second},
                    {"both_right", pair.test.both_right},
                    {"only_first", pair.test.only_first},
                    {"only_second", pair.test.only_second},
                    {"both_wrong", pair.test.both_wrong},
                    {"p", pair.test.p}});
  return list;
}

Json json_of(const std::vector<GanRun>& gans) {
  auto list = Json::array();
  for (const GanRun& gan : gans) {
    Json one{{"class", gan.class_name}};
    one.update(Json::parse(gan_summary_json(gan.summary)));
    one["audit"] = gan.audit;
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

std::string summary_json(const Summary& s) {
  Json settings = s.settings;
  settings["patience"] = s.profile.patience;
  settings["batch"] = s.profile.batch;
  settings["gan_image_size"] = s.profile.gan_image_size;
  settings["gan_width"] = s.profile.gan_width;
  settings["target"] = s.profile.target;
  auto rows = Json::array();
  for (const Result& r : s.results) rows.push_back(json_of(r));
  return json_text({{"experiment", s.experiment},
                    {"version", SONOGRAD_VERSION},
                    {"settings", std::move(settings)},
                    {"ran_on", ran_on(s.results)},
                    {"limits", s.limits},
                    {"rows", std::move(rows)},
                    {"findings", json_of(s.findings)},
                    {"mcnemar", pairs_of(s.results)},
                    {"gans", json_of(s.gans)}});
}

}  // namespace sonograd
