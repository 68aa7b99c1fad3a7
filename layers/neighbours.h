#pragma once
#include "layers/chain.h"

namespace sonograd {

// Neighbours in a chain that give the same together for less work. Takes x through as many as it can from the
// child `at` on, and returns how many: none, and x as it was, where it can do nothing. These are:
//
// 1. A norm and the activation after it: one pass over memory.
//
// Where no one looks at the outputs between (Context::on_output), also:
//
// 2. A norm that trains, on constants, and attention: γ and β are taken into the projections, from whose
//    gradients theirs follow, so that none has to come back to the norm. The paper's head on a frozen base.
//
// 3. Attention, a norm that does not train, and the mean over positions: the mean comes first. The paper's
//    head in inference and fine-tuning.
std::size_t run_neighbours(const std::vector<Chain::Child>& children, std::size_t at, Tensor& x,
                           Context& context);

}  // namespace sonograd
