#pragma once
#include "autograd/gradcheck.h"

namespace sonograd {

// Gradients of a zoo model's logits with respect to the images and all parameters, in training mode, on
// random images of the least size that the model takes, by random directions through all of them; on the
// reference, in f64 unless f32 is asked for.
GradcheckResult check_model(const std::string& name, bool f32 = false);

}  // namespace sonograd
