#include "report/pairwise.h"

#include "base/error.h"

namespace sonograd {
namespace {

McNemar test_of(const Tested& first, const Tested& second) {
  std::string why;
  const auto test = mcnemar(first.predictions, second.predictions, why);
  expect(test.has_value(), "{}: {} and {} cannot be compared: {}", first.data, first.model, second.model,
         why);
  return *test;
}

std::string p_of(const McNemar& test) {
  return fmt::format("{:.4f}", test.p);
}

}  // namespace

std::vector<TestedPair> every_pair(const std::vector<Tested>& tested) {
  std::vector<TestedPair> pairs;
  for (std::size_t i = 0; i < tested.size(); ++i)
    for (std::size_t j = i + 1; j < tested.size(); ++j)
      if (tested[i].data == tested[j].data)
        pairs.push_back({tested[i].data, tested[i].model, tested[j].model, test_of(tested[i], tested[j])});
  return pairs;
}

Table pairwise_table(const std::vector<Tested>& tested) {
  Table table{{"data", "first", "second", "both right", "only first", "only second", "both wrong", "exact p"},
              {}};
  for (const TestedPair& pair : every_pair(tested))
    table.rows.push_back({pair.data, pair.first, pair.second, std::to_string(pair.test.both_right),
                          std::to_string(pair.test.only_first), std::to_string(pair.test.only_second),
                          std::to_string(pair.test.both_wrong), p_of(pair.test)});
  return table;
}

Table pairwise_triangle(const std::vector<Tested>& tested, const std::string& data) {
  std::vector<const Tested*> models;
  for (const Tested& one : tested)
    if (one.data == data) models.push_back(&one);
  Table table{{data}, {}};
  for (std::size_t j = 1; j < models.size(); ++j) table.header.push_back(models[j]->model);
  for (std::size_t i = 0; i + 1 < models.size(); ++i) {
    std::vector<std::string> row{models[i]->model};
    row.resize(i + 1);
    for (std::size_t j = i + 1; j < models.size(); ++j) {
      const McNemar test = test_of(*models[i], *models[j]);
      row.push_back(fmt::format("{} ({} : {})", p_of(test), test.only_first, test.only_second));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace sonograd
