#include "autograd/sample.h"

#include <numeric>

#include "base/error.h"

namespace sonograd {

Input uniform(Shape shape, double low, double high) {
  return {shape, low, high, {}, {}};
}

Input away_from(Shape shape, double kink, double gap) {
  return {shape, -1, 1, [=](double u) { return kink + u + (u < 0 ? -gap : gap); }, {}};
}

Input exactly(Shape shape, std::vector<double> values) {
  return {shape, 0, 0, {}, std::move(values)};
}

Input distinct(Shape shape) {
  // A step of 7 positions in a ring of n with gcd 1 shuffles n evenly spaced values well enough for maxima to
  // move about.
  const Int n = shape.elements();
  expect(n > 0, "no values to be distinct in {}", shape.text());
  Int step = 7;
  while (std::gcd(step, n) != 1) ++step;
  std::vector<double> values;
  for (Int i = 0; i < n; ++i) values.push_back(0.1 * static_cast<double>(i * step % n - n / 2));
  return exactly(shape, std::move(values));
}

Input special_values(Shape shape) {
  constexpr double cycle[] = {0.0, -0.0, 1.0, -1.0, 30.0, -30.0, 1e4, -1e4, 1e-20, 1.0, 1.0, -2.5};
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i) values.push_back(cycle[i % 12]);
  return exactly(shape, std::move(values));
}

Input one_hot(Int rows, Int classes) {
  std::vector<double> values(static_cast<std::size_t>(rows * classes), 0.0);
  for (Int row = 0; row < rows; ++row)
    values[static_cast<std::size_t>(row * classes + (row * 2 + 1) % classes)] = 1.0;
  return exactly({rows, classes}, std::move(values));
}

Tensors make_inputs(const Sample& sample, DType dtype, Device device) {
  const Random random(7, sample.name);
  Tensors tensors;
  for (std::size_t k = 0; k < sample.inputs.size(); ++k) {
    const Input& input = sample.inputs[k];
    std::vector<double> values = input.exact;
    if (values.empty()) {
      const Random stream = random.at(k);
      for (Int i = 0; i < input.shape.elements(); ++i) {
        const double u = input.low + (input.high - input.low) * stream.uniform(static_cast<std::uint64_t>(i));
        values.push_back(input.map ? input.map(u) : u);
      }
    }
    tensors.push_back(Tensor::of(input.shape, values, dtype, device));
  }
  return tensors;
}

}  // namespace sonograd
