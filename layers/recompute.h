#pragma once
#include "layers/layer.h"

namespace sonograd {

// layer(x), of which the tape keeps x and the parameters alone: backward runs the layer once more to have its
// inner values again, those that a gradient reads (Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with
// sublinear memory cost"). The gradients are the same bits, for a tenth to a third more time; what a norm
// asks of its moving averages is asked once. Without a tape, and where the context looks at inner outputs, it
// is layer(x) and no more. Its gradients cannot be differentiated again: that throws Error.
Tensor recomputed(const Layer& layer, const Tensor& x, Context& context);

// Whether a layer is one of the blocks that Context::recompute is about: layers of layers.
bool is_block(const Layer& layer);

}  // namespace sonograd
