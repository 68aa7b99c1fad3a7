#include "autograd/gradcheck_numeric.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sonograd {

// Row k of the table starts with the central difference of step h_k = h_0 / 2^k, whose error is a series in
// h²; column m removes its term h^(2m) (Richardson). Four columns alone, so that a step large enough to cross
// a kink is forgotten four rows later.
Derivative differentiate(const std::function<std::vector<double>(double h)>& g, double scale, DType dtype,
                         double tolerance) {
  constexpr int columns = 4, least_rows = 3, most_rows = 15;
  const bool wide = dtype == DType::f64;
  const double epsilon =
      wide ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  double h = wide ? 1.0 / 64 : 1.0 / 16;

  Derivative result;
  std::vector<double> smallest;  // disagreement of neighbours in the table, by value
  std::vector<std::vector<double>> above;
  for (int row = 0; row < (wide ? most_rows : least_rows); ++row, h /= 2) {
    const std::vector<double> right = g(h), left = g(-h);
    const std::size_t n = right.size();
    std::vector<std::vector<double>> table{std::vector<double>(n)};
    for (std::size_t i = 0; i < n; ++i) table[0][i] = (right[i] - left[i]) / (2 * h);
    for (std::size_t m = 1; m <= above.size() && m < columns; ++m) {
      const double factor = 1 / (std::pow(4.0, static_cast<double>(m)) - 1);
      table.push_back(table[m - 1]);
      for (std::size_t i = 0; i < n; ++i) table[m][i] += (table[m - 1][i] - above[m - 1][i]) * factor;
    }
    const double noise = 8 * epsilon * scale / h;
    if (row == 0) {
      smallest.assign(n, std::numeric_limits<double>::infinity());
      result.value = table[0];
    } else {
      const std::vector<double>&last = table.back(), &before = table[table.size() - 2];
      bool settled = row + 1 >= least_rows;
      for (std::size_t i = 0; i < n; ++i) {
        const double apart =
            std::max(std::abs(last[i] - before[i]), std::abs(last[i] - above[table.size() - 2][i]));
        settled = settled && apart <= 0.1 * tolerance * std::abs(last[i]) + noise;
        if (apart >= smallest[i]) continue;
        smallest[i] = apart;
        result.value[i] = last[i];
      }
      if (settled) return {last, noise, true};
    }
    result.noise = noise;
    above = std::move(table);
  }
  return result;
}

}  // namespace sonograd
