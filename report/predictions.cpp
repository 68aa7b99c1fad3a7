#include "report/predictions.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file.h"

namespace sonograd {

static Int code(const std::vector<std::string>& classes, const std::string& name) {
  const auto found = std::find(classes.begin(), classes.end(), name);
  expect(found != classes.end(), "the label '{}' is not one of the classes {}", name,
         fmt::join(classes, ", "));
  return found - classes.begin();
}

void write_predictions(const std::filesystem::path& path, const std::vector<std::string>& classes,
                       const std::vector<Prediction>& predictions) {
  Table table{{"file", "true", "predicted"}, {}};
  table.header.insert(table.header.end(), classes.begin(), classes.end());
  for (const Prediction& p : predictions) {
    table.rows.push_back({p.file, classes.at(static_cast<std::size_t>(p.truth)),
                          classes.at(static_cast<std::size_t>(p.predicted))});
    for (const double probability : p.probabilities) table.rows.back().push_back(significant(probability));
  }
  write_file_atomically(path, table.csv());
}

Predictions read_predictions(const std::filesystem::path& path) try {
  const Table table = read_csv(path);
  expect(table.header.size() > 3 && table.header[0] == "file" && table.header[1] == "true",
         "the columns are not those of predictions; expected file,true,predicted and the classes");
  std::set<std::string> files;
  Predictions all{{table.header.begin() + 3, table.header.end()}, {}};
  for (const auto& row : table.rows) {
    Prediction p{row[0], code(all.classes, row[1]), code(all.classes, row[2]), {}};
    for (std::size_t c = 3; c < row.size(); ++c) {
      p.probabilities.push_back(parse_number(row[c]));
      const double value = p.probabilities.back();
      expect(0 <= value && value <= 1, "'{}', of {}, is no probability", row[c], row[0]);  // nor is NaN
    }
    expect(files.insert(p.file).second, "{} is there twice", p.file);
    all.rows.push_back(std::move(p));
  }
  return all;
} catch (Error& error) {
  error.prepend(path.string() + ": ");
  throw;
}

}  // namespace sonograd
