#pragma once

namespace sonograd {

// Whose rules hold where Keras 2 and Keras 3 differ: first values of attention's kernels and of position
// embeddings, the moving variance, RandomFlip's coins.
enum class Keras { v2 = 2, v3 = 3 };

}  // namespace sonograd
