#pragma once
#include "apps/op_table.h"
#include "report/svg.h"

namespace sonograd {

// Williams, Waterman & Patterson 2009: each op by its FLOP a byte and its FLOP/s, under the roof that the
// machine's limits make; a mark's area grows with the op's share of the time, and ops
// under a hundredth of it are left out. Ops that count no FLOP stand at the
// left, by the bytes that they move: one FLOP an element of four bytes is taken for them.
Svg roofline(const std::string& title, const std::vector<OpCost>& table, const MachineLimits& limits);

}  // namespace sonograd
