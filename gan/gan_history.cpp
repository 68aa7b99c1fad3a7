#include "gan/gan_history.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "report/table.h"

namespace sonograd {
namespace {

struct Column {
  const char* name;
  double GanStep::*value;
};
constexpr std::array<Column, 9> columns{{{"d_loss_real", &GanStep::real_loss},
                                         {"d_loss_fake", &GanStep::fake_loss},
                                         {"g_loss", &GanStep::generator_loss},
                                         {"d_accuracy_real", &GanStep::real_accuracy},
                                         {"d_accuracy_fake", &GanStep::fake_accuracy},
                                         {"d_gradient_norm", &GanStep::discriminator_norm},
                                         {"g_gradient_norm", &GanStep::generator_norm},
                                         {"similarity", &GanStep::similarity},
                                         {"seconds", &GanStep::seconds}}};

std::vector<std::string> header() {
  std::vector<std::string> names{"step"};
  for (const Column& column : columns) names.emplace_back(column.name);
  return names;
}

}  // namespace

void write_gan_history(const std::filesystem::path& path, const GanHistory& history) {
  Table table{header(), {}};
  for (const GanStep& step : history) {
    table.rows.push_back({std::to_string(step.step)});
    for (const Column& column : columns) table.rows.back().push_back(significant(step.*column.value));
  }
  write_file_atomically(path, table.csv());
}

GanHistory read_gan_history(const std::filesystem::path& path) try {
  const Table table = read_csv(path);
  expect(table.header == header(), "the columns are not those of a GAN's history; expected {}",
         fmt::join(header(), ","));
  GanHistory history;
  for (const auto& row : table.rows) {
    GanStep step;
    step.step = parse_integer(row[0]);
    for (std::size_t c = 0; c < columns.size(); ++c) step.*columns[c].value = parse_number(row[c + 1]);
    history.push_back(step);
  }
  return history;
} catch (Error& error) {
  error.prepend(path.string() + ": ");
  throw;
}

GanStep as_written(GanStep step) {
  for (const Column& column : columns) step.*column.value = parse_number(significant(step.*column.value));
  return step;
}

GanStep recent(const GanHistory& history, Int most) {
  GanStep means;
  const auto n = std::min(static_cast<Int>(history.size()), most);
  for (auto step = history.end() - n; step != history.end(); ++step)
    for (const Column& column : columns)
      means.*column.value += (*step).*column.value / static_cast<double>(n);
  means.step = history.empty() ? 0 : history.back().step;
  means.seconds = 0;
  for (const GanStep& step : history) means.seconds += step.seconds;
  return means;
}

}  // namespace sonograd
