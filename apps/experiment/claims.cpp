#include "apps/experiment/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include "apps/experiment/paper.h"
#include "base/error.h"
#include "data/arms.h"
#include "data/folder.h"
#include "models/model.h"
#include "models/zoo.h"

namespace sonograd {
namespace {

using Json = nlohmann::json;

struct Answer {
  Verdict verdict;
  std::string evidence;
};

Answer holds(bool it_does, std::string evidence) {
  return {it_does ? Verdict::verified : Verdict::contradicted, std::move(evidence)};
}

Answer agrees(bool it_does, std::string evidence) {
  return {it_does ? Verdict::consistent : Verdict::contradicted, std::move(evidence)};
}

// Percentages are printed with two decimals, so a sum of two is right to within one unit of the last.
bool same_percentage(double a, double b) {
  return std::abs(a - b) < 0.015;
}

double cell_of(const Json& at) {
  const PaperRow& row = paper().row(at.at("model"), at.at("arm"), at.at("phase"));
  const std::string name = at.at("cell");
  if (name == "validation") return row.validation;
  if (name == "test") return row.test;
  if (name == "precision") return row.precision;
  expect(name == "recall" || name == "f1", "paper.json: there is no cell '{}'", name);
  return name == "recall" ? row.recall : row.f1;
}

Int parameters_of(const std::string& model) {
  return count_elements(make_model({.name = model}).parameters(), [](const Parameter&) { return true; });
}

Answer count(const Json& claim, const std::string& data) {
  if (data.empty()) return {Verdict::untestable, "needs the images: give --data DIR"};
  const Dataset images = list_folder(data);
  const std::string of = claim.at("of");
  Int found = images.size();
  if (of != "images") {
    found = 0;
    for (const LabelledFile& sample : images.samples)
      found += images.classes[static_cast<std::size_t>(sample.label)] == of;
  }
  return holds(found == claim.at("value").get<Int>(), fmt::format("{} in {}", found, data));
}

Answer generated(const Json& claim, const std::string&) {
  const Json& all = paper().claims;
  const auto originals = std::find_if(all.begin(), all.end(), [&](const Json& other) {
    return other.at("kind") == "count" && other.at("of") == claim.at("of");
  });
  expect(originals != all.end(), "paper.json has no count of the originals that {} is about",
         claim.at("of").dump());
  const Int n = originals->at("value");
  const Int made = generated_images(n, published_target);
  return agrees(n + made == claim.at("value").get<Int>(),
                fmt::format("{} + {} generated = {} by the notebook's rule", n, made, n + made));
}

Answer split(const Json&, const std::string&) {
  bool all = true;
  std::string evidence;
  for (const PaperArm& arm : paper().arms) {
    const Int held = (arm.images + 4) / 5, test = (held + 1) / 2;  // scikit-learn rounds up
    all = all && test == arm.test && held - test == arm.validation && arm.images - held == arm.train;
    evidence += fmt::format("{}{}: {}/{}/{}", evidence.empty() ? "" : ", ", arm.name, arm.images - held,
                            held - test, test);
  }
  return agrees(all, evidence);
}

Answer parameters(const Json& claim, const std::string&) {
  const Int built = parameters_of(claim.at("model"));
  return holds(built == claim.at("value").get<Int>(), fmt::format("the model built here has {}", built));
}

Answer fewer_parameters(const Json& claim, const std::string&) {
  const std::string model = claim.at("model"), other = claim.at("than");
  const Int a = parameters_of(model), b = parameters_of(other);
  return holds(a < b, fmt::format("{} has {}, {} has {}", model, a, other, b));
}

// The head's dense layers, of the model whose parameters are the paper's.
Answer dense_layers(const Json& claim, const std::string&) {
  const Model model = make_model({.name = claim.at("model")});
  const auto parameters = model.parameters();
  std::vector<std::string> found;
  for (std::size_t i = model.base_parameters(); i < parameters.size(); ++i)
    if (const std::string& name = parameters[i].name; name.rfind("dense", 0) == 0)
      if (const auto dot = name.find(".kernel"); dot != std::string::npos)
        found.push_back(name.substr(0, dot));
  return holds(static_cast<Int>(found.size()) == claim.at("value").get<Int>(),
               fmt::format("the model built here, with the paper's number of parameters, has {}: {}",
                           found.size(), fmt::join(found, ", ")));
}

Answer text(const Json& claim, const std::string&) {
  const double printed = cell_of(claim.at("row"));
  return agrees(same_percentage(printed, claim.at("value")), fmt::format("the table has {:.2f} %", printed));
}

Answer difference(const Json& claim, const std::string&) {
  const double from = cell_of(claim.at("from")), to = cell_of(claim.at("to"));
  return agrees(same_percentage(to - from, claim.at("value")),
                fmt::format("{:.2f} - {:.2f} = {:.2f}", to, from, to - from));
}

Answer rises(const Json& claim, const std::string&) {
  const double from = cell_of(claim.at("from")), to = cell_of(claim.at("to"));
  return agrees((to - from) * claim.at("value").get<double>() > 0,
                fmt::format("the table goes from {:.2f} to {:.2f} %", from, to));
}

Answer better_everywhere(const Json& claim, const std::string&) {
  const std::string model = claim.at("model"), other = claim.at("than");
  std::string against;
  for (const PaperRow& row : paper().rows) {
    if (row.model != other) continue;
    const double with = paper().row(model, row.arm, row.phase).test;
    if (with <= row.test)
      against += fmt::format("{}{}, {}: {:.2f} % with, {:.2f} % without", against.empty() ? "" : "; ",
                             row.arm, row.phase, with, row.test);
  }
  return agrees(against.empty(), against.empty() ? "so in every row of the tables" : against);
}

Answer best(const Json& claim, const std::string&) {
  const std::string arm = claim.at("arm");
  const PaperRow* first = &paper().row(claim.at("model"), arm, "finetune");
  for (const PaperRow& row : paper().rows)
    if (row.arm == arm && row.test > first->test) first = &row;
  return agrees(first->model == claim.at("model"),
                fmt::format("{} leads with {:.2f} % of {} test images", first->model, first->test,
                            paper().arm(arm).test));
}

// Recalls printed as whole percentages: are there counts that print so and add up to the row's accuracy?
Answer recalls(const Json& claim, const std::string&) {
  const Json& row = claim.at("row");
  const auto support = claim.at("support").get<std::vector<Int>>();
  const auto printed = claim.at("recalls").get<std::vector<Int>>();
  const auto right = count_behind(cell_of(row), paper().arm(row.at("arm")).test);
  if (!right) return {Verdict::contradicted, "the accuracy itself is no k of n"};
  std::vector<std::string> fits;
  const std::function<void(std::size_t, Int, std::string)> extend = [&](std::size_t c, Int sum,
                                                                        const std::string& so_far) {
    if (c == support.size()) {
      if (sum == *right) fits.push_back(so_far);
      return;
    }
    for (Int k = 0; k <= support[c]; ++k)
      if (std::lround(100.0 * static_cast<double>(k) / static_cast<double>(support[c])) == printed[c])
        extend(c + 1, sum + k, fmt::format("{}{}{}/{}", so_far, c == 0 ? "" : ", ", k, support[c]));
  };
  extend(0, 0, "");
  if (fits.empty()) return {Verdict::contradicted, fmt::format("no counts add up to {} right", *right)};
  return {Verdict::consistent, fmt::format("{} right as {}", *right, fmt::join(fits, " or "))};
}

Answer share(const Json& claim, const std::string&) {
  const Int n = claim.at("n");
  const auto k = count_behind(claim.at("value"), n);
  return k ? Answer{Verdict::consistent, fmt::format("it is {} of {}", *k, n)}
           : Answer{Verdict::contradicted, fmt::format("no whole number of {} images", n)};
}

Answer equal(const Json& claim, const std::string&) {
  const auto values = claim.at("values").get<std::vector<double>>();
  const bool all =
      std::all_of(values.begin(), values.end(), [&](double value) { return value == values[0]; });
  return agrees(all, fmt::format("the paper has {}", fmt::join(values, " and ")));
}

// What only a reading of the authors' code can tell is told, and not given a verdict.
Answer notebook(const Json& claim, const std::string&) {
  return {Verdict::untestable,
          fmt::format("not computed; by reading: {}", claim.at("finding").get<std::string>())};
}

const std::map<std::string, Answer (*)(const Json&, const std::string&)> kinds = {
    {"count", count},
    {"generated", generated},
    {"split", split},
    {"parameters", parameters},
    {"text", text},
    {"fewer_parameters", fewer_parameters},
    {"dense_layers", dense_layers},
    {"difference", difference},
    {"rises", rises},
    {"best", best},
    {"better_everywhere", better_everywhere},
    {"recalls", recalls},
    {"share", share},
    {"equal", equal},
    {"notebook", notebook}};

CheckedClaim check_row(const PaperRow& row) {
  const PaperArm& arm = paper().arm(row.arm);
  const auto validation = count_behind(row.validation, arm.validation),
             test = count_behind(row.test, arm.test);
  const bool agree = same_percentage(row.recall, row.test);
  std::string evidence;
  if (!validation) evidence += fmt::format("{:.2f} % is no k of {}; ", row.validation, arm.validation);
  if (!test) evidence += fmt::format("{:.2f} % is no k of {}; ", row.test, arm.test);
  if (!agree) evidence += fmt::format("recall {:.2f} % is not the accuracy; ", row.recall);
  if (evidence.empty())
    evidence = fmt::format("validation {}/{}, test {}/{}, recall equals accuracy", *validation,
                           arm.validation, *test, arm.test);
  return {fmt::format("row-{}-{}-{}", row.model, row.arm, row.phase), fmt::format("Table {}", row.table),
          fmt::format("{} on {}, {}: validation {:.2f} %, test {:.2f} %", row.model, row.arm, row.phase,
                      row.validation, row.test),
          validation && test && agree ? Verdict::consistent : Verdict::contradicted, evidence};
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  constexpr std::array<std::string_view, 4> names = {"verified", "consistent", "contradicted", "untestable"};
  return names.at(static_cast<std::size_t>(verdict));
}

std::vector<CheckedClaim> check_claims(const std::string& data) {
  std::vector<CheckedClaim> checked;
  for (const Json& claim : paper().claims) {
    const Answer answer = kinds.at(claim.at("kind"))(claim, data);
    checked.push_back({claim.at("id"), claim.at("where"), claim.at("says"), answer.verdict, answer.evidence});
  }
  for (const PaperRow& row : paper().rows) checked.push_back(check_row(row));
  return checked;
}

}  // namespace sonograd
