#include "apps/experiment/paper.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace sonograd {
namespace {

using Json = nlohmann::json;

PaperArm arm_of(const Json& json) {
  return {json.at("name"),  json.at("scenario"),   json.at("images"),
          json.at("train"), json.at("validation"), json.at("test")};
}

PaperRow row_of(const Json& json) {
  return {json.at("table"), json.at("model"),     json.at("arm"),    json.at("phase"), json.at("validation"),
          json.at("test"),  json.at("precision"), json.at("recall"), json.at("f1")};
}

PublishedResult published_of(const Json& json) {
  return {json.at("reference"), json.at("method"), json.at("accuracy"), json.at("year")};
}

}  // namespace

const Paper& paper() {
  static const Paper read = [] {
    const Json json = Json::parse(embedded_paper().front().json);
    Paper made;
    made.title = json.at("paper");
    for (const Json& arm : json.at("arms")) made.arms.push_back(arm_of(arm));
    for (const Json& row : json.at("rows")) made.rows.push_back(row_of(row));
    for (const Json& result : json.at("published")) made.published.push_back(published_of(result));
    made.confidences = json.at("figure8").get<std::map<std::string, std::string>>();
    made.curves = json.at("curves").get<std::map<std::string, std::string>>();
    made.claims = json.at("claims");
    return made;
  }();
  return read;
}

const PaperArm& Paper::arm(const std::string& name) const {
  const auto found =
      std::find_if(arms.begin(), arms.end(), [&](const PaperArm& arm) { return arm.name == name; });
  expect(found != arms.end(), "the paper has no arm '{}'", name);
  return *found;
}

const PaperRow& Paper::row(const std::string& model, const std::string& arm, const std::string& phase) const {
  const std::string& printed = model == "efficientnetb3" ? "aeganb3_noattention" : model;
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const PaperRow& row) {
    return row.model == printed && row.arm == arm && row.phase == phase;
  });
  expect(found != rows.end(), "the paper has no row for {} on {}, {}", model, arm, phase);
  return *found;
}

std::optional<Int> count_behind(double percent, Int n) {
  const auto total = static_cast<double>(n);
  const Int k = std::llround(percent / 100 * total);
  constexpr double half_of_last_digit = 0.005 + 1e-9;
  if (std::abs(100 * static_cast<double>(k) / total - percent) > half_of_last_digit) return {};
  return k;
}

}  // namespace sonograd
