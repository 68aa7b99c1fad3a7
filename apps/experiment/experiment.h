#pragma once
#include "apps/command.h"

namespace sonograd {

// `experiment table1` … `all`
void add_experiment_runs(Program& program, const Command& experiment);
// `experiment ladder`
void add_ladder(Program& program, const Command& experiment);
// `experiment folds`
void add_folds(Program& program, const Command& experiment);

}  // namespace sonograd
