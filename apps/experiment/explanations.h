#pragma once
#include "apps/command.h"

namespace sonograd {

// `sonograd experiment explanations`.
void add_explanations(Program& program, const Command& experiment);

}  // namespace sonograd
