#pragma once
#include "models/weights/weight_file.h"

namespace sonograd {

// A position embedding [1, 1 + m², c] made for another image size, as one for n² patches: [1, 1 + n², c]. The
// token of the class stays; the grid's corners lie on each other and what is between is interpolated
// linearly along both axes, in double precision. So does vit-keras 0.1.2 (scipy's zoom of order 1); timm's
// rule is another one (bicubic, smoothed where the grid shrinks). Throws Error unless both are square grids.
Tensor resized_positions(const Tensor& positions, const Shape& shape);

// Whether that is what it takes to give a tensor of this shape the other.
bool are_other_positions(const Shape& there, const Shape& here);

}  // namespace sonograd
