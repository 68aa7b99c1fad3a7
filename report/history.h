#pragma once
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "report/table.h"

namespace sonograd {

// One epoch. Loss and accuracy are means over the epoch in training mode; val_ in inference mode, NaN without
// validation images. Epochs count from 1 within their phase.
struct Epoch {
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::string phase;
  Int epoch = 0;
  double loss = nan, accuracy = nan, val_loss = nan, val_accuracy = nan, seconds = 0;
};
using History = std::vector<Epoch>;

// history.csv: `phase,epoch,loss,accuracy,val_loss,val_accuracy,seconds`, 9 significant digits, NaN as an
// empty cell. The whole file is written aside and renamed each time, so that a killed run never leaves half a
// line.
void write_history(const std::filesystem::path& path, const History& history);
History read_history(const std::filesystem::path& path);
Table history_table(const History& history);

}  // namespace sonograd
