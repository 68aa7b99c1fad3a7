// A number that is not finite goes on to the loss, where the step stops the run: no op may swallow it.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "ops/attention/attention.h"
#include "ops/batch_norm/frozen.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/pooling/pooling.h"
#include "ops/reduce/reduce.h"
#include "ops/softmax/softmax.h"
#include "ops/unary/unary.h"

using namespace sonograd;

namespace {

Tensor channels(double value, Device device) {
  return Tensor::of({3}, std::vector<double>(3, value), DType::f32, device);
}

struct NamedOp {
  std::string name;
  std::function<Tensor(const Tensor& x)> run;
};

const std::vector<NamedOp> ops{
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"swish", [](const Tensor& x) { return swish(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"exp", [](const Tensor& x) { return exp(x); }},
    {"max_pool2d", [](const Tensor& x) { return max_pool2d(x); }},
    {"average_pool2d", [](const Tensor& x) { return average_pool2d(x); }},
    {"max over rows",
     [](const Tensor& x) {
       return max(x, {1, 2});
     }},
    {"max over channels", [](const Tensor& x) { return max(x, {3}); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"attention",
     [](const Tensor& x) {
       const Tensor rows = reshape(x, {1, 4, 3});
       return attention(rows, rows, rows, 1);
     }},
    {"layer_norm",
     [](const Tensor& x) { return layer_norm(x, channels(1, x.device()), channels(0, x.device())); }},
    {"bias and relu",
     [](const Tensor& x) { return bias_activation(x, channels(0, x.device()), Activation::relu); }},
    {"frozen norm and relu",
     [](const Tensor& x) {
       return apply(BatchNormFrozen{.activation = Activation::relu}, x, channels(1, x.device()),
                    channels(0, x.device()), channels(0, x.device()), channels(1, x.device()));
     }},
};

}  // namespace

TEST_CASE("NaN is passed on, wherever it stands") {
  for (const Device device : {Device::reference, Device::cpu})
    for (const NamedOp& op : ops)
      for (Int place = 0; place < 12; ++place) {
        std::vector<double> values{1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};
        values[static_cast<std::size_t>(place)] = std::numeric_limits<double>::quiet_NaN();
        const std::vector<double> y = op.run(Tensor::of({1, 2, 2, 3}, values, DType::f32, device)).values();
        bool seen = false;
        for (const double value : y) seen = seen || std::isnan(value);
        CHECK_MESSAGE(seen, op.name, " at ", place, " on ", static_cast<int>(device));
      }
}
