#pragma once
#include "layers/chain.h"

namespace sonograd {

// Neighbours in a chain that give the same together for less work: takes x through as many of them as it can,
// from the child `at` on, and returns how many; 0, and x as it was, where there are none. On are
//   a norm and the activation after it: one pass over memory;
//   and, where no one looks at the outputs between (Context::on_output),
//   a norm that trains on constants, and attention: γ and β are taken into the projections, from whose
//   gradients
//     theirs follow, so that none has to come back to the norm (the paper's head on a frozen base);
//   attention, a norm that does not train, and the mean over positions: the mean comes first (the paper's
//   head
//     in inference and fine-tuning).
std::size_t run_neighbours(const std::vector<Chain::Child>& children, std::size_t at, Tensor& x,
                           Context& context);

}  // namespace sonograd
