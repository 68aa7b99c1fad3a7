#pragma once
#include <cmath>
#include <numbers>

#include "tensor/shape.h"

namespace sonograd {

enum class Schedule { constant, cosine };
constexpr const char* name_of(Schedule schedule) {
  return schedule == Schedule::cosine ? "cosine" : "constant";
}

// The learning rate of step 0 … steps-1 of a phase; cosine falls from `rate` to 0 over the phase (Loshchilov
// & Hutter 2017).
inline double scheduled_rate(Schedule schedule, double rate, Int step, Int steps) {
  if (schedule == Schedule::constant || steps <= 1) return rate;
  return rate * 0.5 *
         (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(steps)));
}

}  // namespace sonograd
