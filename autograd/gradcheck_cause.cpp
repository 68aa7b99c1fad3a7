#include "autograd/gradcheck_cause.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/view.h"

namespace sonograd {
namespace {

using Values = std::vector<double>;

double largest(const Values& values) {
  double most = 0;
  for (const double v : values) most = std::max(most, std::abs(v));
  return most;
}

// Equal as far as a mistake is concerned: far finer than any mistake, coarser than the differences' error.
struct Close {
  double floor;
  bool operator()(double a, double b) const {
    return std::abs(a - b) <= 2e-6 * std::max(std::abs(a), std::abs(b)) + floor;
  }
  bool operator()(const Values& a, const Values& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), *this);
  }
};

// The numeric rows (one per element of x) in another order; a row whose source is −1 is not compared.
template <class F>
Values reordered(const Jacobian& j, F source) {
  Values result = j.analytic;
  for (Int i = 0; i < j.shape.elements(); ++i)
    if (const Int from = source(i); from >= 0)
      std::copy_n(j.numeric.begin() + from * j.outputs, j.outputs, result.begin() + i * j.outputs);
  return result;
}

Int row_major_number(const Shape& index, const Shape& shape) {
  Int number = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) number = number * shape[axis] + index[axis];
  return number;
}

Shape index_of(Int number, const Shape& shape) {
  Shape index = shape;
  for (int axis = shape.rank() - 1; axis >= 0; number /= shape[axis--]) index[axis] = number % shape[axis];
  return index;
}

std::string common_factor(const Jacobian& j, const Close& close) {
  const double aligned = std::inner_product(j.analytic.begin(), j.analytic.end(), j.numeric.begin(), 0.0);
  const double ratio =
      aligned / std::inner_product(j.numeric.begin(), j.numeric.end(), j.numeric.begin(), 0.0);
  Values scaled = j.numeric;
  for (double& v : scaled) v *= ratio;
  if (!std::isfinite(ratio) || !close(j.analytic, scaled)) return "";
  if (std::abs(ratio + 1) < 1e-6) return "sign: it is the negative of the gradient";
  const double count = std::abs(ratio) > 1 ? ratio : 1 / ratio;
  if (std::abs(count) > 1.5 && std::abs(count - std::round(count)) < 1e-5 * std::abs(count))
    return fmt::format(
        "factor: it is {}{:.0f} of the gradient in every element, as where a sum is taken for a mean",
        std::abs(ratio) > 1 ? "" : "1/", count);
  return fmt::format("factor: it is {:.8g} times the gradient in every element", ratio);
}

// The right numbers, at other elements of x.
std::string other_order(const Jacobian& j, const Close& close) {
  const Shape& shape = j.shape;
  const auto matches = [&](auto source) { return close(j.analytic, reordered(j, source)); };
  for (int p = 0; p < shape.rank(); ++p)
    for (int q = p + 1; q < shape.rank(); ++q) {
      Shape swapped = shape;
      std::swap(swapped[p], swapped[q]);
      if (matches([&](Int i) {
            Shape index = index_of(i, swapped);
            std::swap(index[p], index[q]);
            return row_major_number(index, shape);
          }))
        return fmt::format("transposed: axes {} and {} are exchanged", p, q);
    }
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (matches([&](Int i) {
          Shape index = index_of(i, shape);
          index[axis] = shape[axis] - 1 - index[axis];
          return row_major_number(index, shape);
        }))
      return fmt::format("reversed along axis {}", axis);
    for (const Int shift : {-1, 1})
      if (shape[axis] > 2 && matches([&](Int i) {
            Shape index = index_of(i, shape);
            index[axis] += shift;
            return 0 <= index[axis] && index[axis] < shape[axis] ? row_major_number(index, shape) : Int{-1};
          }))
        return fmt::format("index: off by one along axis {}", axis);
  }
  Values mine = j.analytic, right = j.numeric;
  std::sort(mine.begin(), mine.end());
  std::sort(right.begin(), right.end());
  if (close(mine, right)) return "index: the right numbers go to the wrong elements";
  return "";
}

// What the wrong entries have in common.
std::string pattern(const Jacobian& j, const Close& close) {
  std::vector<Int> wrong;
  bool zero_or_right = true, same_difference = true, nearly_right = true;
  for (Int e = 0; e < static_cast<Int>(j.analytic.size()); ++e) {
    const double a = j.analytic[static_cast<std::size_t>(e)], n = j.numeric[static_cast<std::size_t>(e)];
    if (close(a, n)) continue;
    wrong.push_back(e);
    zero_or_right = zero_or_right && a == 0;
    nearly_right = nearly_right && std::abs(a - n) < 0.05 * std::abs(n) + 0.01 * largest(j.numeric);
  }
  const auto missing = [&](Int e) {
    return j.numeric[static_cast<std::size_t>(e)] - j.analytic[static_cast<std::size_t>(e)];
  };
  const Close roughly{1e-6 * largest(j.numeric)};
  std::vector<double> by_output(static_cast<std::size_t>(j.outputs), 0.0);
  for (const Int e : wrong) {
    double& first = by_output[static_cast<std::size_t>(e % j.outputs)];
    if (first == 0) first = missing(e);
    same_difference = same_difference && roughly(first, missing(e));
  }
  const Int n = j.shape.elements();
  const std::size_t outputs_hit = static_cast<std::size_t>(
      std::count_if(by_output.begin(), by_output.end(), [](double d) { return d != 0; }));

  for (int axis = 0; axis < j.shape.rank(); ++axis) {
    const bool border = j.shape[axis] > 2 && std::all_of(wrong.begin(), wrong.end(), [&](Int e) {
                          const Int at = index_of(e / j.outputs, j.shape)[axis];
                          return at == 0 || at == j.shape[axis] - 1;
                        });
    if (border)
      return fmt::format("border: only elements at the ends of axis {} are wrong, as by padding", axis);
  }
  if (zero_or_right && n < j.outputs)
    return "missing reduction: some outputs that the element reaches are not summed";
  if (zero_or_right) return "missing term: right where it is not zero, but zero where it should not be";
  if (same_difference && wrong.size() > outputs_hit)
    return "missing term: the same number lacks in all elements, as a mean would";
  if (nearly_right) return "nearly right everywhere: an epsilon or a small term forgotten";
  return "missing or wrong term: no common factor";
}

}  // namespace

std::string likely_cause(const std::vector<Jacobian>& all, std::size_t wrong) {
  const Jacobian& j = all[wrong];
  const Close close{1e-9 * largest(j.numeric)};
  for (const double a : j.analytic)
    if (!std::isfinite(a)) return "not finite: a division by zero or an overflow in backward";
  if (largest(j.numeric) == 0) return "the function does not depend on this input, the gradient says it does";
  if (largest(j.analytic) == 0) return "missing term: the gradient is zero everywhere";
  if (const std::string text = common_factor(j, close); !text.empty()) return text;
  for (const Jacobian& other : all)
    if (other.input != j.input && other.numeric.size() == j.analytic.size() &&
        close(j.analytic, other.numeric))
      return fmt::format("exchanged inputs: it is the gradient of {}", other.input);
  if (const std::string text = other_order(j, close); !text.empty()) return text;
  Values size = j.analytic, right = j.numeric;
  for (double& v : size) v = std::abs(v);
  for (double& v : right) v = std::abs(v);
  if (close(size, right)) return "sign: wrong in some elements";
  return pattern(j, close);
}

std::string likely_cause(const std::string& error) {
  const std::size_t at = error.find("vjp gave a gradient [");
  if (at == std::string::npos) return "";
  std::vector<std::vector<Int>> shapes;
  for (std::size_t open = error.find('[', at); open != std::string::npos && shapes.size() < 2;
       open = error.find('[', open + 1)) {
    shapes.emplace_back();
    for (const char* c = error.c_str() + open; *c != ']' && *c != '\0';) {
      char* end = nullptr;
      shapes.back().push_back(std::strtoll(++c, &end, 10));
      c = end;
    }
  }
  if (shapes.size() < 2) return "";
  std::sort(shapes[0].begin(), shapes[0].end());
  std::sort(shapes[1].begin(), shapes[1].end());
  const auto elements = [](const std::vector<Int>& s) {
    return std::accumulate(s.begin(), s.end(), Int{1}, std::multiplies<>());
  };
  if (shapes[0] == shapes[1]) return "transposed";
  if (elements(shapes[0]) > elements(shapes[1]))
    return "missing reduction over the axes that broadcasting added";
  return "a reduction too many";
}

std::string index_text(Int number, const Shape& shape) {
  return shape.rank() == 0 ? "" : index_of(number, shape).text();
}

}  // namespace sonograd
