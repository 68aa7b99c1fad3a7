#include "report/compare.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fault.h"
#include "report/history.h"
#include "report/run_folder.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

// "flags.batch" -> value, leaves only; list items count from 0.
void flatten(const Json& json, const std::string& name, std::vector<std::pair<std::string, Json>>& leaves) {
  if (json.is_structured() && !json.empty()) {
    for (const auto& [key, value] : json.items())
      flatten(value, name.empty() ? key : fmt::format("{}.{}", name, key), leaves);
  } else {
    leaves.emplace_back(name, json);
  }
}

Json named(const std::vector<std::string>& names, const Json& list) {
  Json object = Json::object();
  for (std::size_t i = 0; i < names.size(); ++i) object[names[i]] = list.at(i);
  return object;
}

// Classes by their names, in place of their codes.
Json with_names(Json manifest) {
  std::vector<std::string> names;
  for (const Json& entry : manifest.at("classes")) names.push_back(entry.at("name"));
  manifest["classes"] = named(names, manifest["classes"]);
  for (const std::string& name : names) manifest["classes"][name].erase("name");
  manifest["class order"] = fmt::format("{}", fmt::join(names, ","));
  return manifest;
}

Json metrics_with_names(Json metrics) {
  const std::vector<std::string> classes = metrics.at("classes");
  metrics["per_class"] = named(classes, metrics.at("per_class"));
  Json calls = Json::object();
  for (std::size_t i = 0; i < classes.size(); ++i)
    for (std::size_t j = 0; j < classes.size(); ++j)
      calls[fmt::format("{} called {}", classes[i], classes[j])] = metrics.at("confusion").at(i).at(j);
  metrics["confusion"] = calls;
  Json& intervals = metrics.at("intervals");
  const auto ends = [](const Json& pair) { return named({"low", "high"}, pair); };
  intervals["accuracy"] = ends(intervals.at("accuracy"));
  for (const char* key : {"precision", "recall"}) {
    intervals[key] = named(classes, intervals.at(key));
    for (const std::string& name : classes) intervals[key][name] = ends(intervals[key][name]);
  }
  return metrics;
}

std::vector<std::pair<std::string, Json>> leaves_of(const std::filesystem::path& path,
                                                    Json (*rename)(Json)) try {
  std::vector<std::pair<std::string, Json>> leaves;
  flatten(rename(Json::parse(read_file(path))), "", leaves);
  return leaves;
} catch (const nlohmann::json::exception& error) {
  throw Error("{}: not such a file of a run: {}; compare takes runs of `train`", path.string(),
              fault_of(error));
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

// A row of at most 100 columns: the middle of long cells is left out.
std::vector<std::string> fitted(std::vector<std::string> row) {
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = shortened(row[i], i == 0 ? 38 : 29);
  return row;
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
      if (!std::isnan(e.val_accuracy))  // as without validation images
        phase["best val_accuracy"] = std::max(phase.value("best val_accuracy", 0.0), e.val_accuracy);
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

// DeLong's test of each class; the two hold the same files.
static std::vector<std::pair<std::string, AucComparison>> compare_aucs(const Predictions& first,
                                                                       const Predictions& second) {
  std::map<std::string, const Prediction*> by_file;
  for (const Prediction& p : second.rows) by_file[p.file] = &p;
  std::vector<Prediction> in_order;
  for (const Prediction& p : first.rows) in_order.push_back(*by_file.at(p.file));
  std::vector<std::pair<std::string, AucComparison>> aucs;
  for (std::size_t c = 0; c < first.classes.size(); ++c) {
    const Int code = static_cast<Int>(c);
    aucs.emplace_back(first.classes[c], delong(scores_of(code, first.rows), scores_of(code, in_order)));
  }
  return aucs;
}

// The contents of a run's test images by their names; nothing where its split.json does not tell.
static std::map<std::string, std::string> test_contents(const RunFolder& run) try {
  std::map<std::string, std::string> contents;
  if (!std::filesystem::exists(run.split())) return contents;
  const Json split = Json::parse(read_file(run.split()));
  for (const Json& image : split.at("test")) contents[image.at("file")] = image.at("sha256");
  return contents;
} catch (const Json::exception&) {
  return {};
}

// A file of one name and two contents; "" where there is none.
static std::string other_content(const RunFolder& first, const RunFolder& second) {
  const auto a = test_contents(first), b = test_contents(second);
  for (const auto& [file, hash] : a)
    if (const auto found = b.find(file); found != b.end() && found->second != hash) return file;
  return "";
}

RunComparison compare_runs(const std::filesystem::path& first_path,
                           const std::filesystem::path& second_path) {
  const RunFolder first = RunFolder::open(first_path), second = RunFolder::open(second_path);
  RunComparison c{first_path.string(), second_path.string(), {}, {}, {}, {}, {}};
  c.settings.header = {"setting", c.first, c.second};
  for (const Row& row :
       join(leaves_of(first.manifest(), with_names), leaves_of(second.manifest(), with_names))) {
    const bool time = row.name == "started" || row.name == "finished" || row.name.starts_with("resumed");
    if (row.first != row.second && !time)
      c.settings.rows.push_back({row.name, show(row.first), show(row.second)});
  }
  c.results.header = {"result", c.first, c.second, "difference"};
  if (!first.finished() || !second.finished()) {
    c.no_test = fmt::format("{} has no metrics.json", first.finished() ? c.second : c.first);
    return c;
  }
  for (const Row& row : join(leaves_of(first.metrics(), metrics_with_names),
                             leaves_of(second.metrics(), metrics_with_names))) {
    const bool number = row.first.is_number() || row.second.is_number();
    if (number) c.results.rows.push_back({row.name, show(row.first), show(row.second), difference(row)});
  }
  add_history(c.results, first, second);
  if (!std::filesystem::exists(first.predictions()) || !std::filesystem::exists(second.predictions())) {
    c.no_test = "both runs need a predictions.csv";
    return c;
  }
  const Predictions a = read_predictions(first.predictions()), b = read_predictions(second.predictions());
  if (const std::string file = other_content(first, second); !file.empty()) {
    c.no_test = fmt::format("{} is another image in the second run", file);
    return c;
  }
  c.test = mcnemar(a, b, c.no_test);
  if (c.test) c.aucs = compare_aucs(a, b);
  return c;
}

std::string RunComparison::text(bool all) const {
  std::string out = fmt::format("first:  {}\nsecond: {}\n\n", first, second);
  const auto add = [&](const Table& whole, bool everything) {
    Table table{whole.header, {}};
    table.header[1] = "first";
    table.header[2] = "second";
    for (const auto& row : whole.rows)
      if (row[0] != "command" && (everything || row[1] != row[2])) table.rows.push_back(fitted(row));
    out += table.rows.empty() ? whole.header[0] + "s: the same\n" : table.text();
  };
  add(settings, true);
  out += "\n";
  if (!results.rows.empty()) add(results, all);
  if (!test) return out + "\nno test between the models: " + no_test + "\n";
  out += fmt::format("\nMcNemar, exact: only the first right {}, only the second right {}, p = {:.3g}\n",
                     test->only_first, test->only_second, test->p);
  for (const auto& [name, auc] : aucs)
    out += fmt::format(
        "DeLong, {} against the rest: AUC {:.3f} and {:.3f}, {}\n", name, auc.first, auc.second,
        std::isnan(auc.p) ? "no test: too few images, or nothing varies" : fmt::format("p = {:.3g}", auc.p));
  return out;
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
  json["delong"] = Json::object();
  for (const auto& [name, auc] : aucs)
    json["delong"][name] = {{"first", auc.first}, {"second", auc.second}, {"z", auc.z}, {"p", auc.p}};
  return json.dump(2) + "\n";
}

}  // namespace sonograd
