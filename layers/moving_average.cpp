#include "layers/moving_average.h"

#include "ops/update/update.h"

namespace sonograd {

void update_moving(Tensor& average, const Tensor& value, double momentum, double factor) {
  expect(average.shape() == value.shape(), "a moving average {} is updated with {}", average.shape().text(),
         value.shape().text());
  update_in_place(AverageUpdate{momentum, (1 - momentum) * factor}, {average, value});
}

void apply_updates(const std::vector<MovingUpdate>& updates) {
  for (MovingUpdate update : updates)
    update_moving(update.moving, update.batch, update.momentum, update.factor);
}

}  // namespace sonograd
