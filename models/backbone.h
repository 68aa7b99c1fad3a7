#pragma once
#include "layers/chain.h"

namespace sonograd {

// A model less its head, and the channels of the features that it gives.
struct Backbone {
  Chain layers;
  Int channels;
};

}  // namespace sonograd
