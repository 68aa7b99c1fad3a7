#pragma once
#include "tests/models/formula.h"

namespace sonograd::golden {

// One quantity of one golden case, ours beside Keras' or timm's. Where SONOGRAD_PARITY_OUT names a file, a
// line of JSON about the largest differences is appended to it in the end: scripts/parity_page.py makes
// docs/parity.md of these lines.
class Parity {
 public:
  // `golden`: its model and framework are read; `facts`: its pass, trace or training.
  Parity(const json& golden, const json& facts, std::string quantity, DType dtype, Device device);
  ~Parity();
  Parity(const Parity&) = delete;
  Parity& operator=(const Parity&) = delete;

  // CHECKs |ours - theirs| <= bound; the relative difference is that to `scale`.
  void check(double ours, double theirs, double scale, double bound);
  void check(const std::vector<double>& ours, const std::vector<double>& theirs, double scale, double bound);

 private:
  json line;
  Int values = 0;
  double absolute = 0, relative = 0;
  double share = -1, tolerance = 0;  // of its bound: the greatest, and the relative bound there
};

}  // namespace sonograd::golden
