#include "explain/heat_map.h"

#include <algorithm>

namespace sonograd {

float HeatMap::largest() const {
  return values.empty() ? 0 : std::max(0.0F, *std::max_element(values.begin(), values.end()));
}

}  // namespace sonograd
