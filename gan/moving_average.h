#pragma once
#include "gan/dcgan.h"
#include "layers/moving_average.h"

namespace sonograd {

// Moves a network of the same layers, its norms' statistics included, towards `now` after update number t,
// counted from 0:
//
//   average = d average + (1 - d) now,   d = min(decay, (1 + t) / (10 + t))
//
// (1 + t)/(10 + t), the smaller of the two at first, lets the first updates weigh more, as in TensorFlow's
// ExponentialMovingAverage. Averaging generators: Yazıcı et al. 2019, "The unusual effectiveness of averaging
// in GAN training".
inline void move_average(const Network& average, const Network& now, double decay, Int t) {
  const double d = std::min(decay, static_cast<double>(1 + t) / static_cast<double>(10 + t));
  const auto to = average.parameters(), from = now.parameters();
  std::vector<MovingUpdate> updates;
  for (std::size_t i = 0; i < to.size(); ++i)
    updates.push_back({to[i].parameter->value, from[i].parameter->value, d});
  apply_updates(updates);
}

// Gives `average` the values of `now`.
inline void copy_values(const Network& average, const Network& now) {
  const auto to = average.parameters(), from = now.parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].parameter->value.assign(from[i].parameter->value);
}

}  // namespace sonograd
