// Faults planted in vjps: gradcheck must catch each, name the cause where it can be told, and pass the twin
// whose vjp is right.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/ops/planted.h"

using namespace sonograd;

namespace {

struct Fault {
  std::string name;
  Shapes inputs;
  Shape result;
  std::function<Values(const Lists&)> f;
  std::function<Lists(const Lists&, const Values&)> right, wrong;
  std::string cause;
};

std::size_t largest(const Values& x) {
  return static_cast<std::size_t>(std::max_element(x.begin(), x.end()) - x.begin());
}

Values softmax(const Values& x) {
  Values y;
  for (const double v : x) y.push_back(std::exp(v));
  return scaled(1 / total(y), y);
}

// y = (x − mean) / √(variance + epsilon); its three terms can be left out one by one.
constexpr double epsilon = 1e-3;
Values normalised(const Values& x) {
  const double n = static_cast<double>(x.size()), mean = total(x) / n;
  Values y = x;
  for (double& v : y) v -= mean;
  return scaled(1 / std::sqrt(total(times(y, y)) / n + epsilon), y);
}
Values normalised_gradient(const Values& x, const Values& dy, bool mean_term, double eps) {
  const double n = static_cast<double>(x.size()), mean = total(x) / n;
  Values centred = x;
  for (double& v : centred) v -= mean;
  const double scale = 1 / std::sqrt(total(times(centred, centred)) / n + eps);
  const Values y = scaled(scale, centred);
  Values dx;
  for (std::size_t i = 0; i < x.size(); ++i)
    dx.push_back(scale * (dy[i] - (mean_term ? total(dy) / n : 0) - y[i] * total(times(dy, y)) / n));
  return dx;
}

// y[i] = Σ_u w[u] x[i + u − 1] with zeros outside; `shift` displaces backward, `inner` forgets the ends.
constexpr double taps[] = {0.5, 2.0, -1.0};
Values convolved(const Values& x) {
  Values y(x.size(), 0.0);
  for (Int i = 0; i < static_cast<Int>(x.size()); ++i)
    for (Int u = 0; u < 3; ++u)
      if (const Int j = i + u - 1; 0 <= j && j < static_cast<Int>(x.size()))
        y[static_cast<std::size_t>(i)] += taps[u] * x[static_cast<std::size_t>(j)];
  return y;
}
Values convolved_gradient(const Values& dy, Int shift, bool inner) {
  Values dx(dy.size(), 0.0);
  const Int n = static_cast<Int>(dy.size());
  for (Int i = 0; i < n; ++i)
    for (Int u = 0; u < 3; ++u) {
      const Int j = i + u - 1 + shift;
      if (0 <= j && j < n && !(inner && (j == 0 || j == n - 1)))
        dx[static_cast<std::size_t>(j)] += taps[u] * dy[static_cast<std::size_t>(i)];
    }
  return dx;
}

Values flipped(Values x) {
  std::reverse(x.begin(), x.end());
  return x;
}
Values transposed3(const Values& x) {
  Values y(9);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) y[j * 3 + i] = x[i * 3 + j];
  return y;
}
const Values uneven{1, 2, 3, 4, 5, 6, 7, 8, 9};

Values with_bias(const Lists& x) {
  Values y = x[0];
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += x[1][i % 4];
  return y;
}
Lists bias_gradient(const Values& dy, std::size_t rows) {
  Values db(4, 0.0);
  for (std::size_t i = 0; i < rows * 4; ++i) db[i % 4] += dy[i];
  return {dy, db};
}

std::vector<Fault> faults() {
  const auto square = [](const Lists& x) { return times(x[0], x[0]); };
  const auto product = [](const Lists& x) { return times(x[0], x[1]); };
  const auto product_gradient = [](const Lists& x, const Values& dy) {
    return Lists{times(dy, x[1]), times(dy, x[0])};
  };
  const auto mean = [](const Lists& x) { return Values{total(x[0]) / 12}; };
  const auto maximum = [](const Lists& x) { return Values{x[0][largest(x[0])]}; };
  const auto norm = [](const Lists& x) { return normalised(x[0]); };
  const auto conv = [](const Lists& x) { return convolved(x[0]); };
  const auto square_gradient = [](const Lists& x, const Values& dy) {
    return Lists{scaled(2, times(x[0], dy))};
  };
  const auto norm_gradient = [](const Lists& x, const Values& dy) {
    return Lists{normalised_gradient(x[0], dy, true, epsilon)};
  };
  const auto conv_gradient = [](const Lists&, const Values& dy) {
    return Lists{convolved_gradient(dy, 0, false)};
  };
  const auto add_bias_gradient = [](const Lists&, const Values& dy) { return bias_gradient(dy, 3); };
  const auto weigh = [](const Lists& x) { return times(x[0], uneven); };
  const auto weigh_gradient = [](const Lists&, const Values& dy) { return Lists{times(dy, uneven)}; };
  const auto at_largest = [](const Values& x, std::size_t i, const Values& dy) {
    Values dx(x.size(), 0.0);
    dx[i] = dy[0];
    return Lists{dx};
  };
  const auto maximum_gradient = [=](const Lists& x, const Values& dy) {
    return at_largest(x[0], largest(x[0]), dy);
  };
  const auto distance = [](const Lists& x) {
    return map2(x[0], x[1], [](double a, double b) { return std::abs(a - b); });
  };
  const auto distance_gradient = [](const Lists& x, const Values& dy) {
    Values dx;
    for (std::size_t i = 0; i < dy.size(); ++i) dx.push_back(x[0][i] > x[1][i] ? dy[i] : -dy[i]);
    return Lists{dx, scaled(-1, dx)};
  };

  return {
      {"wrong sign",
       {{2, 3}},
       {2, 3},
       square,
       square_gradient,
       [](const Lists& x, const Values& dy) { return Lists{scaled(-2, times(x[0], dy))}; },
       "sign: it is the negative"},
      {"factor 1 + 5e-4",
       {{2, 3}},
       {2, 3},
       square,
       square_gradient,
       [](const Lists& x, const Values& dy) { return Lists{scaled(2 * (1 + 5e-4), times(x[0], dy))}; },
       "factor: it is 1.0005 times"},
      {"factor 1 + 5e-6",
       {{2, 3}},
       {2, 3},
       square,
       square_gradient,
       [](const Lists& x, const Values& dy) { return Lists{scaled(2 * (1 + 5e-6), times(x[0], dy))}; },
       "factor"},
      {"sum for a mean",
       {{3, 4}},
       {},
       mean,
       [](const Lists&, const Values& dy) { return Lists{Values(12, dy[0] / 12)}; },
       [](const Lists&, const Values& dy) { return Lists{Values(12, dy[0])}; },
       "factor: it is 12 of the gradient"},
      {"first row for the sum over rows",
       {{3, 4}, {4}},
       {3, 4},
       with_bias,
       add_bias_gradient,
       [](const Lists&, const Values& dy) { return bias_gradient(dy, 1); },
       "missing reduction"},
      {"no reduction at all",
       {{3, 4}, {4}},
       {3, 4},
       with_bias,
       add_bias_gradient,
       [](const Lists&, const Values& dy) {
         return Lists{dy, dy};
       },
       "missing reduction over the axes"},
      {"transposed",
       {{3, 3}},
       {3, 3},
       weigh,
       weigh_gradient,
       [](const Lists&, const Values& dy) { return Lists{transposed3(times(dy, uneven))}; },
       "transposed: axes 0 and 1"},
      {"reversed",
       {{9}},
       {9},
       weigh,
       weigh_gradient,
       [](const Lists&, const Values& dy) { return Lists{flipped(times(dy, uneven))}; },
       "reversed along axis 0"},
      {"forgotten epsilon",
       {{8}},
       {8},
       norm,
       norm_gradient,
       [](const Lists& x, const Values& dy) { return Lists{normalised_gradient(x[0], dy, true, 0)}; },
       "epsilon"},
      {"missing mean term of a norm",
       {{8}},
       {8},
       norm,
       norm_gradient,
       [](const Lists& x, const Values& dy) { return Lists{normalised_gradient(x[0], dy, false, epsilon)}; },
       "missing term: the same number lacks in all elements"},
      {"padding off by one",
       {{7}},
       {7},
       conv,
       conv_gradient,
       [](const Lists&, const Values& dy) { return Lists{convolved_gradient(dy, 1, false)}; },
       "index: off by one along axis 0"},
      {"border forgotten",
       {{7}},
       {7},
       conv,
       conv_gradient,
       [](const Lists&, const Values& dy) { return Lists{convolved_gradient(dy, 0, true)}; },
       "border: only elements at the ends of axis 0"},
      {"dropped term of softmax",
       {{5}},
       {5},
       [](const Lists& x) { return softmax(x[0]); },
       [](const Lists& x, const Values& dy) {
         const Values y = softmax(x[0]);
         Values dx = times(y, dy);
         const double along = total(dx);
         for (std::size_t i = 0; i < dx.size(); ++i) dx[i] -= y[i] * along;
         return Lists{dx};
       },
       [](const Lists& x, const Values& dy) { return Lists{times(softmax(x[0]), dy)}; },
       "missing or wrong term"},
      {"exchanged inputs",
       {{2, 3}, {2, 3}},
       {2, 3},
       product,
       product_gradient,
       [](const Lists& x, const Values& dy) {
         return Lists{times(dy, x[0]), times(dy, x[1])};
       },
       "exchanged inputs"},
      {"one input without a gradient",
       {{4}, {4}},
       {4},
       product,
       product_gradient,
       [](const Lists& x, const Values& dy) {
         return Lists{times(dy, x[1]), Values(4, 0.0)};
       },
       "missing term: the gradient is zero everywhere"},
      {"wrong element of a maximum",
       {{6}},
       {},
       maximum,
       maximum_gradient,
       [=](const Lists& x, const Values& dy) { return at_largest(x[0], (largest(x[0]) + 3) % 6, dy); },
       "index: the right numbers go to the wrong elements"},
      {"sign of the branch forgotten",
       {{6}, {6}},
       {6},
       distance,
       distance_gradient,
       [](const Lists&, const Values& dy) {
         return Lists{dy, scaled(-1, dy)};
       },
       "sign: wrong in some elements"},
      {"constant without its cotangent",
       {{3}},
       {3},
       square,
       square_gradient,
       [](const Lists& x, const Values& dy) {
         Values dx = scaled(2, times(x[0], dy));
         dx[1] += 1e-3;
         return Lists{dx};
       },
       "a zero cotangent gives the gradient 0.001 of x0[1]"},
      {"not a number",
       {{3}},
       {3},
       square,
       square_gradient,
       [](const Lists& x, const Values& dy) {
         Values dx = scaled(2, times(x[0], dy));
         if (dy[1] > 0.99) dx[2] = std::numeric_limits<double>::quiet_NaN();
         return Lists{dx};
       },
       "not finite"},
      {"noise",
       {{3}},
       {3},
       square,
       square_gradient,
       [count = std::make_shared<int>(0)](const Lists& x, const Values& dy) {
         return Lists{scaled(2 + 1e-15 * ++*count, times(x[0], dy))};
       },
       "not deterministic: the gradient of x0[0] is"},
  };
}

}  // namespace

TEST_CASE("each planted fault is caught and its cause named, its healthy twin passes") {
  for (const Fault& fault : faults()) {
    CAPTURE(fault.name);
    const GradcheckResult healthy =
        gradcheck(function_of(Planted{fault.result, fault.f, fault.right}), random_inputs(fault.inputs));
    INFO(healthy.text);
    CHECK(healthy.ok);
    CHECK(healthy.max_error < 1e-8);
    const GradcheckResult ill =
        gradcheck(function_of(Planted{fault.result, fault.f, fault.wrong}), random_inputs(fault.inputs));
    CHECK(!ill.ok);
    CHECK(ill.text.find(fault.cause) != std::string::npos);
    if (ill.text.find(fault.cause) == std::string::npos) MESSAGE(ill.text);
  }
}
