#pragma once
#include <cstdint>

namespace sonograd {

using Int = std::int64_t;  // every size, stride and index; signed, so that a difference below zero shows

}  // namespace sonograd
