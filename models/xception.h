#pragma once
#include "models/backbone.h"

namespace sonograd {

Backbone xception();

}  // namespace sonograd
