#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace sonograd {

// What a reader of the last layer's tokens owes to each token of the first's, after attention layers with the
// probabilities A_1 … A_L, each [1, heads, tokens, tokens]: reader · Â_L · … · Â_1, [tokens] (Abnar & Zuidema
// 2020). Heads are averaged. With a residual connection around each layer Â = (A + 1) / 2, else Â = A. Where
// the reader sums to one, so does the result.
std::vector<double> attention_rollout(const Tensors& attentions, std::vector<double> reader, bool residual);

}  // namespace sonograd
