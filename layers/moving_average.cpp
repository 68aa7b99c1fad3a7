#include "layers/moving_average.h"

#include "tensor/view.h"

namespace sonograd {

void update_moving(Tensor& average, const Tensor& value, double momentum, double factor) {
  expect(average.shape() == value.shape(), "a moving average {} is updated with {}", average.shape().text(),
         value.shape().text());
  with_type(average.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T keep = static_cast<T>(momentum), take = static_cast<T>((1 - momentum) * factor);
    const View<T> old = write_view<T>(average);
    const View<const T> fresh = read_view<T>(value);
    for (Int c = 0; c < average.elements(); ++c) old[c] = old[c] * keep + fresh[c] * take;
  });
}

void apply_updates(const std::vector<MovingUpdate>& updates) {
  for (MovingUpdate update : updates)
    update_moving(update.moving, update.batch, update.momentum, update.factor);
}

}  // namespace sonograd
