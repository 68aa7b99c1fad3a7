#include "explain/heat_map.h"

#include <algorithm>

#include "base/file.h"
#include "models/weights/npy.h"

namespace sonograd {

float HeatMap::largest() const {
  return values.empty() ? 0 : std::max(0.0F, *std::max_element(values.begin(), values.end()));
}

void write_npy(const std::filesystem::path& path, const HeatMap& map) {
  std::string bytes = npy_header("<f4", {map.height, map.width});
  bytes.append(reinterpret_cast<const char*>(map.values.data()), map.values.size() * sizeof(float));
  write_file_atomically(path, bytes);
}

}  // namespace sonograd
