#include "report/compare.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "report/history.h"
#include "report/run_folder.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

// "flags.batch" -> value, leaves only; list items count from 0.
void flatten(const Json& json, const std::string& name, std::vector<std::pair<std::string, Json>>& leaves) {
  if (json.is_structured() && !json.empty()) {
    for (const auto& [key, value] : json.items())
      flatten(value, name.empty() ? key : name + "." + key, leaves);
  } else {
    leaves.emplace_back(name, json);
  }
}

std::vector<std::pair<std::string, Json>> leaves_of(const std::filesystem::path& path) try {
  std::vector<std::pair<std::string, Json>> leaves;
  flatten(Json::parse(read_file(path)), "", leaves);
  return leaves;
} catch (const nlohmann::json::exception& error) {
  throw Error("{}: not JSON ({})", path.string(), error.what());
}

struct Row {
  std::string name;
  Json first, second;  // null where a run has no such entry
};

std::vector<Row> join(const std::vector<std::pair<std::string, Json>>& first,
                      const std::vector<std::pair<std::string, Json>>& second) {
  std::vector<Row> rows;
  std::map<std::string, std::size_t> place;
  for (const auto& [name, value] : first) {
    place[name] = rows.size();
    rows.push_back({name, value, nullptr});
  }
  for (const auto& [name, value] : second) {
    const auto found = place.find(name);
    if (found == place.end()) {
      rows.push_back({name, nullptr, value});
    } else {
      rows[found->second].second = value;
    }
  }
  return rows;
}

std::string show(const Json& value) {
  if (value.is_null()) return "–";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return value.dump();
}

std::string difference(const Row& row) {
  if (!row.first.is_number() || !row.second.is_number()) return "";
  const double change = row.second.get<double>() - row.first.get<double>();
  return change == 0 ? "0" : fmt::format("{:+.4g}", change);
}

// What training did, as rows that metrics.json does not hold.
void add_history(Table& results, const RunFolder& first, const RunFolder& second) {
  if (!std::filesystem::exists(first.history()) || !std::filesystem::exists(second.history())) return;
  const auto facts = [](const RunFolder& run) {
    std::vector<std::pair<std::string, Json>> leaves;
    Json all = Json::object();
    for (const Epoch& e : read_history(run.history())) {
      Json& phase = all["history"][e.phase];
      if (phase.is_null()) phase = Json::object();
      phase["epochs"] = phase.value("epochs", 0) + 1;
      phase["best val_accuracy"] = std::fmax(phase.value("best val_accuracy", 0.0), e.val_accuracy);
      phase["seconds"] = phase.value("seconds", 0.0) + e.seconds;
    }
    flatten(all, "", leaves);
    return leaves;
  };
  for (const Row& row : join(facts(first), facts(second))) {
    results.rows.push_back({row.name, show(row.first), show(row.second), difference(row)});
  }
}

double log_choose(Int n, Int k) {
  const auto log_factorial = [](Int m) { return std::lgamma(static_cast<double>(m) + 1); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

Json rows_json(const Table& table) {
  Json json = Json::object();
  for (const auto& row : table.rows) json[row[0]] = {row[1], row[2]};
  return json;
}

}  // namespace

McNemar mcnemar(Int both_right, Int only_first, Int only_second, Int both_wrong) {
  McNemar test{both_right, only_first, only_second, both_wrong, 1};
  const Int n = only_first + only_second, smaller = std::min(only_first, only_second);
  double tail = 0;
  for (Int k = 0; k <= smaller; ++k)
    tail += std::exp(log_choose(n, k) - static_cast<double>(n) * std::log(2.0));
  test.p = std::min(1.0, 2 * tail);
  return test;
}

std::optional<McNemar> mcnemar(const Predictions& first, const Predictions& second, std::string& why) {
  if (first.classes != second.classes) return why = "the classes differ", std::nullopt;
  if (first.rows.size() != second.rows.size()) return why = "the test images differ in number", std::nullopt;
  std::map<std::string, const Prediction*> by_file;
  for (const Prediction& p : first.rows) by_file[p.file] = &p;
  Int count[2][2] = {};
  for (const Prediction& q : second.rows) {
    const auto found = by_file.find(q.file);
    if (found == by_file.end())
      return why = fmt::format("only the second run tested {}", q.file), std::nullopt;
    const Prediction& p = *found->second;
    if (p.truth != q.truth) return why = fmt::format("the true label of {} differs", q.file), std::nullopt;
    ++count[p.predicted == p.truth][q.predicted == q.truth];
  }
  return mcnemar(count[1][1], count[1][0], count[0][1], count[0][0]);
}

RunComparison compare_runs(const std::filesystem::path& first_path,
                           const std::filesystem::path& second_path) {
  const RunFolder first = RunFolder::open(first_path), second = RunFolder::open(second_path);
  RunComparison c{first_path.string(), second_path.string(), {}, {}, {}, {}};
  c.settings.header = {"setting", c.first, c.second};
  for (const Row& row : join(leaves_of(first.manifest()), leaves_of(second.manifest()))) {
    const bool time = row.name == "started" || row.name == "finished";
    if (row.first != row.second && !time)
      c.settings.rows.push_back({row.name, show(row.first), show(row.second)});
  }
  c.results.header = {"result", c.first, c.second, "difference"};
  if (!first.finished() || !second.finished()) {
    c.no_test = fmt::format("{} has no metrics.json", first.finished() ? c.second : c.first);
    return c;
  }
  for (const Row& row : join(leaves_of(first.metrics()), leaves_of(second.metrics()))) {
    const bool number = row.first.is_number() || row.second.is_number();
    if (number) c.results.rows.push_back({row.name, show(row.first), show(row.second), difference(row)});
  }
  add_history(c.results, first, second);
  if (!std::filesystem::exists(first.predictions()) || !std::filesystem::exists(second.predictions())) {
    c.no_test = "both runs need a predictions.csv";
    return c;
  }
  c.test = mcnemar(read_predictions(first.predictions()), read_predictions(second.predictions()), c.no_test);
  return c;
}

std::string RunComparison::text() const {
  std::string out = settings.rows.empty() ? "settings: the same\n" : settings.text();
  if (!results.rows.empty()) out += "\n" + results.text();
  if (!test) return out + "\nno test between the models: " + no_test + "\n";
  return out +
         fmt::format("\nMcNemar, exact: only the first right {}, only the second right {}, p = {:.3g}\n",
                     test->only_first, test->only_second, test->p);
}

std::string RunComparison::json() const {
  Json json{{"runs", {first, second}}, {"settings", rows_json(settings)}, {"results", rows_json(results)}};
  json["mcnemar"] = nullptr;
  if (test) {
    json["mcnemar"] = {{"both_right", test->both_right},
                       {"only_first", test->only_first},
                       {"only_second", test->only_second},
                       {"both_wrong", test->both_wrong},
                       {"p", test->p}};
  } else {
    json["no_mcnemar"] = no_test;
  }
  return json.dump(2) + "\n";
}

}  // namespace sonograd
