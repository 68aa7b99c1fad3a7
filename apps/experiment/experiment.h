#pragma once
#include "apps/command.h"

namespace sonograd {

// `experiment table1` … `all`
void add_experiment_runs(Program& program, CLI::App& experiment);
// `experiment ladder`
void add_ladder(Program& program, CLI::App& experiment);
// `experiment folds`
void add_folds(Program& program, CLI::App& experiment);

}  // namespace sonograd
