#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "report/table.h"

namespace sonograd {

struct Prediction {
  std::string file;  // relative to the data folder, with /
  Int truth = 0, predicted = 0;
  std::vector<double> probabilities;  // [class]
};

// predictions.csv: `file,true,predicted,<class names…>`; the labels are class names.
void write_predictions(const std::filesystem::path& path, const std::vector<std::string>& classes,
                       const std::vector<Prediction>& predictions);
struct Predictions {
  std::vector<std::string> classes;
  std::vector<Prediction> rows;
};
Predictions read_predictions(const std::filesystem::path& path);

}  // namespace sonograd
