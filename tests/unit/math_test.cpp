#include "base/math.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

using namespace sonograd;

namespace {

// |y - exact| in units of the last place of exact.
double ulps(float y, double exact) {
  if (static_cast<double>(y) == exact || (std::isnan(y) && std::isnan(exact))) return 0;
  const float nearest = static_cast<float>(exact);
  if (y == nearest) return 0;
  const float size = std::abs(nearest);
  return std::abs(static_cast<double>(y) - exact) /
         (std::nextafter(size, std::numeric_limits<float>::infinity()) - size);
}

// The largest error over every 211th of the 2^32 bit patterns that lies in [low, high].
template <class F, class G>
double worst(F fast, G exact, float low, float high) {
  double largest = 0;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 211) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (x >= low && x <= high) {
      const double error = ulps(fast(x), exact(static_cast<double>(x)));
      if (!(error <= largest)) largest = error;
    }
  }
  return largest;
}

constexpr float inf = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("fast functions are within 3 ulp of the C library's in f64") {
  CHECK(worst([](float x) { return Fast::exp(x); }, [](double x) { return std::exp(x); }, -87.3f, 88.7f) < 2);
  CHECK(worst([](float x) { return Fast::tanh(x); }, [](double x) { return std::tanh(x); }, -inf, inf) < 3);
  CHECK(worst([](float x) { return Fast::erf(x); }, [](double x) { return std::erf(x); }, -inf, inf) < 3);
  CHECK(worst([](float x) { return Fast::log(x); }, [](double x) { return std::log(x); }, 0, inf) < 2);
}

TEST_CASE("fast functions at the ends of the range") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float y : {Fast::exp(nan), Fast::tanh(nan), Fast::erf(nan), Fast::log(nan)})
    CHECK(std::isnan(y));
  CHECK(Fast::exp(-inf) == 0);
  CHECK(Fast::exp(-1e4f) == 0);
  CHECK(Fast::exp(88.72284f) == inf);
  CHECK(Fast::exp(0) == 1);
  CHECK(Fast::tanh(-inf) == -1);
  CHECK(Fast::erf(inf) == 1);
  CHECK(std::signbit(Fast::tanh(-0.0f)));
  CHECK(Fast::log(0) == -inf);
  CHECK(Fast::log(-0.0f) == -inf);
  CHECK(std::isnan(Fast::log(-1)));
  CHECK(Fast::log(inf) == inf);
  CHECK(Fast::log(1) == 0);
}
