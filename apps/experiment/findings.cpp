#include "apps/experiment/findings.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace sonograd {
namespace {

const std::string proposed = "aeganb3";
struct DataSet {
  std::string name, in_words;
};
const std::array<DataSet, 3> data_sets{{{"original", "on the original images"},
                                        {"augmented", "with augmented copies"},
                                        {"gan", "with the DCGAN's pictures"}}};

// The proposed model's Table IV rivals, which are none of Tables I to III.
bool lacks_attention(const std::string& model) {
  return model == "aeganb3_noattention" || model == "efficientnetb3";
}

const Tested* find(const std::vector<Tested>& tested, const std::string& model, const std::string& data) {
  const auto found = std::find_if(tested.begin(), tested.end(),
                                  [&](const Tested& t) { return t.model == model && t.data == data; });
  return found == tested.end() ? nullptr : &*found;
}

Side side_of(const Tested& t) {
  const auto& rows = t.predictions.rows;
  const auto right =
      std::count_if(rows.begin(), rows.end(), [](const Prediction& p) { return p.predicted == p.truth; });
  return {t.model, t.data, right, static_cast<Int>(rows.size())};
}

Finding compare(std::string id, std::string claim, const Tested& better, const Tested& other) {
  Finding finding{std::move(id), std::move(claim), side_of(better), side_of(other), {}};
  finding.test = mcnemar(better.predictions, other.predictions, finding.no_test);
  if (finding.test) finding.p = finding.test->p;
  return finding;
}

void add_best(const std::vector<Tested>& tested, const DataSet& data, std::vector<Finding>& findings) {
  const Tested* ours = find(tested, proposed, data.name);
  std::vector<Finding> rivals;
  for (const Tested& rival : tested)
    if (ours && rival.data == data.name && rival.model != proposed && !lacks_attention(rival.model))
      rivals.push_back(compare("best-" + data.name, fmt::format("{} is the best {}", proposed, data.in_words),
                               *ours, rival));
  if (rivals.empty()) return;
  const auto less_ahead = [](const Finding& a, const Finding& b) { return a.points() < b.points(); };
  const auto surer = [](const Finding& a, const Finding& b) { return a.p < b.p; };
  const auto nearest = std::min_element(rivals.begin(), rivals.end(), less_ahead);
  const bool leads = nearest->points() > 0;
  Finding finding = leads ? *std::max_element(rivals.begin(), rivals.end(), surer) : *nearest;
  if (!leads) finding.p = std::min(1.0, finding.p * static_cast<double>(rivals.size()));
  findings.push_back(std::move(finding));
}

void add_attention(const std::vector<Tested>& tested, const DataSet& data, std::vector<Finding>& findings) {
  const Tested* ours = find(tested, proposed, data.name);
  for (const Tested& rival : tested)
    if (ours && rival.data == data.name && lacks_attention(rival.model))
      findings.push_back(compare(fmt::format("attention-{}-{}", data.name, rival.model),
                                 fmt::format("attention helps {}", data.in_words), *ours, rival));
}

// Of each model: does it do better with one data set than with another?
void add_data_sets(const std::vector<Tested>& tested, const std::string& better, const std::string& other,
                   const std::string& id, const std::string& claim, std::vector<Finding>& findings) {
  for (const Tested& with : tested) {
    if (with.data != better) continue;
    if (const Tested* without = find(tested, with.model, other))
      findings.push_back(
          compare(id + with.model, fmt::format(fmt::runtime(claim), with.model), with, *without));
  }
}

void judge(std::vector<Finding>& findings) {
  std::vector<Finding*> by_p;
  for (Finding& finding : findings)
    if (finding.test) by_p.push_back(&finding);
  std::stable_sort(by_p.begin(), by_p.end(), [](const Finding* a, const Finding* b) { return a->p < b->p; });
  double least = 0;
  for (std::size_t i = 0; i < by_p.size(); ++i) {
    Finding& f = *by_p[i];
    least = std::max(least, std::min(1.0, f.p * static_cast<double>(by_p.size() - i)));
    f.holm = least;
    f.standing = f.holm >= 0.05   ? Standing::not_told_apart
                 : f.points() > 0 ? Standing::supported
                                  : Standing::contradicted;
  }
}

}  // namespace

std::string_view standing_name(Standing standing) {
  constexpr std::array<std::string_view, 4> names = {"supported", "contradicted", "not told apart",
                                                     "not tested"};
  return names.at(static_cast<std::size_t>(standing));
}

std::vector<Finding> findings_of(const std::vector<Tested>& tested) {
  std::vector<Finding> findings;
  for (const DataSet& data : data_sets) add_best(tested, data, findings);
  for (const DataSet& data : data_sets) add_attention(tested, data, findings);
  add_data_sets(tested, "augmented", "original", "copies-", "augmented copies help {}", findings);
  add_data_sets(tested, "gan", "original", "gan-", "the DCGAN's pictures help {}", findings);
  add_data_sets(tested, "gan", "augmented", "gan-over-copies-",
                "the DCGAN's pictures help {} more than copies", findings);
  judge(findings);
  return findings;
}

Table findings_table(const std::vector<Finding>& findings) {
  Table table{{"id", "claim", "better model", "better data", "better right", "other model", "other data",
               "other right", "points", "paper's points", "only better right", "only other right", "p",
               "p by Holm", "verdict"},
              {}};
  for (const Finding& f : findings)
    table.rows.push_back(
        {f.id, f.claim, f.better.model, f.better.data, fmt::format("{}/{}", f.better.correct, f.better.n),
         f.other.model, f.other.data, fmt::format("{}/{}", f.other.correct, f.other.n),
         fmt::format("{:.2f}", f.points()),
         std::isnan(f.paper_points) ? "" : fmt::format("{:.2f}", f.paper_points),
         f.test ? std::to_string(f.test->only_first) : "", f.test ? std::to_string(f.test->only_second) : "",
         f.test ? fmt::format("{:.4f}", f.p) : "", f.test ? fmt::format("{:.4f}", f.holm) : "",
         std::string(standing_name(f.standing))});
  return table;
}

}  // namespace sonograd
