#include "layers/moving_average.h"

#include "ops/update/update.h"

namespace sonograd {

void apply_updates(const std::vector<MovingUpdate>& updates) {
  std::vector<Update<AverageUpdate>> all;
  for (const auto& [moving, batch, momentum, factor] : updates) {
    expect(moving.shape() == batch.shape(), "a moving average {} is updated with {}", moving.shape().text(),
           batch.shape().text());
    all.push_back({{momentum, (1 - momentum) * factor}, {moving, batch}});
  }
  update_in_place(all);
}

}  // namespace sonograd
