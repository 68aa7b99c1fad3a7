#pragma once
#include <array>

#include "models/backbone.h"

namespace sonograd {

Backbone densenet(int depth);  // 121, 169 or 201

}  // namespace sonograd
