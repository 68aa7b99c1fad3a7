#pragma once
#include "models/backbone.h"

namespace sonograd {

// Images [n, height, width, 3] to features [n, height/32, width/32, channels], for sizes that are multiples
// of 32; 1024, 1664 and 1920 channels for a depth of 121, 169 and 201. Throws Error for another.
Backbone densenet(int depth);

}  // namespace sonograd
