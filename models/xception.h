#pragma once
#include "models/backbone.h"

namespace sonograd {

// Images [n, height, width, 3] to features [n, height', width', 2048], each side about a thirty-second.
Backbone xception();

}  // namespace sonograd
