#include "report/history.h"

#include "base/error.h"
#include "base/file.h"

namespace sonograd {

static const std::vector<std::string> columns = {"phase",    "epoch",        "loss",   "accuracy",
                                                 "val_loss", "val_accuracy", "seconds"};

Table history_table(const History& history) {
  Table table{columns, {}};
  for (const Epoch& e : history) {
    table.rows.push_back({e.phase, fmt::format("{}", e.epoch), significant(e.loss), significant(e.accuracy),
                          significant(e.val_loss), significant(e.val_accuracy), significant(e.seconds)});
  }
  return table;
}

void write_history(const std::filesystem::path& path, const History& history) {
  write_file_atomically(path, history_table(history).csv());
}

History read_history(const std::filesystem::path& path) try {
  const Table table = read_csv(path);
  expect(table.header == columns, "the columns are not those of a history; expected {}",
         fmt::join(columns, ","));
  History history;
  for (const auto& row : table.rows) {
    const auto cell = [&](std::size_t column) { return parse_number(row[column]); };
    history.push_back({row[0], static_cast<Int>(cell(1)), cell(2), cell(3), cell(4), cell(5), cell(6)});
  }
  return history;
} catch (Error& error) {
  error.prepend(path.string() + ": ");
  throw;
}

}  // namespace sonograd
