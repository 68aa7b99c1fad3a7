#include "tests/models/parity.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/instruction_set.h"
#include "base/parallel.h"
#include "tensor/libraries.h"

namespace sonograd::golden {

Parity::Parity(const json& golden, const json& facts, std::string quantity, DType dtype, Device device)
    : line{{"model", golden["model"]},
           {"phase", facts.value<std::string>("mode", "inference")},
           {"quantity", std::move(quantity)},
           {"type", name_of(dtype)},
           {"device", name_of(device)},
           {"size", facts["size"]},
           {"batch", facts["batch"]},
           {"framework", golden["framework"]},
           {"sonograd", SONOGRAD_VERSION},
           {"onednn", onednn_version()},
           {"instruction_set", instruction_set()},
           {"threads", threads()}} {}

Parity::~Parity() {
  const char* const file = std::getenv("SONOGRAD_PARITY_OUT");
  if (file == nullptr || values == 0) return;
  line["values"] = values;
  line["absolute"] = absolute;
  line["relative"] = relative;
  line["share"] = share;
  line["tolerance"] = tolerance;
  std::ofstream(file, std::ios::app) << line.dump() + "\n";
}

void Parity::check(double ours, double theirs, double scale, double bound) {
  const double apart = std::abs(ours - theirs);
  CHECK(apart <= bound);
  ++values;
  absolute = std::max(absolute, apart);
  relative = std::max(relative, apart / scale);
  if (apart / bound > share) share = apart / bound, tolerance = bound / scale;
}

void Parity::check(const std::vector<double>& ours, const std::vector<double>& theirs, double scale,
                   double bound) {
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) check(ours[i], theirs[i], scale, bound);
}

}  // namespace sonograd::golden
