#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/op.h"
#include "base/philox.h"

namespace sonograd {

// How the values of a sample's input are made, in f64 from the sample's own random stream.
struct Input {
  Shape shape;
  double low = -1, high = 1;  // uniform in [low, high)
  std::function<double(double)> map =
      {};  // applied to each value: keeps a gradient sample off a kink, makes integers, …
  std::vector<double> exact = {};  // or these very values, row-major: 0, ±large, ties, one-hot targets
};

Input uniform(Shape shape, double low = -1, double high = 1);
Input away_from(Shape shape, double kink, double gap = 0.1);  // |value - kink| in [gap, 1+gap)
Input distinct(Shape shape);                                  // no two values closer than 0.05; for maxima
Input exactly(Shape shape, std::vector<double> values);
Input special_values(Shape shape);  // cycles through 0, -0, ±1, ±30, ±1e4, 1e-20, repeats
Input one_hot(Int rows, Int classes);

// One call of an op that tests, gradient checks, the audit and the benchmark iterate over.
struct Sample {
  std::string name;
  std::shared_ptr<const AnyOp> op;
  std::vector<Input> inputs;
  bool gradient = true;  // false: values only, for points where the op has a kink or saturates
  bool adjoint = true;   // false: rounds what it reads, and so is linear up to that alone
  double tolerance =
      1e-5;  // of a fast device against the reference in f32, relative to the largest |value| of the output
};

// A call that must be refused, with a part of the text that it must be refused with.
struct BadSample {
  std::shared_ptr<const AnyOp> op;
  Shapes inputs;
  std::string message;
};

template <class O>
Sample sample(std::string name, O op, std::vector<Input> inputs) {
  return {std::move(name), std::make_shared<OpOf<O>>(std::move(op)), std::move(inputs)};
}
template <class O>
Sample values_only(std::string name, O op, std::vector<Input> inputs) {
  Sample s = sample(std::move(name), std::move(op), std::move(inputs));
  s.gradient = false;
  return s;
}
template <class O>
Sample rounding(std::string name, O op, std::vector<Input> inputs) {
  Sample s = values_only(std::move(name), std::move(op), std::move(inputs));
  s.adjoint = false;
  return s;
}
template <class O>
BadSample refused(O op, Shapes inputs, std::string message) {
  return {std::make_shared<OpOf<O>>(std::move(op)), std::move(inputs), std::move(message)};
}

// The sample's inputs as tensors: a pure function of the sample's name and the input's number.
Tensors make_inputs(const Sample& sample, DType dtype, Device device);

}  // namespace sonograd
