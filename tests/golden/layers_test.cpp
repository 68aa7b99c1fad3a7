#include <doctest/doctest.h>

#include "layers/attention.h"
#include "layers/input_scaling.h"
#include "layers/squeeze_excite.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/conv2d/conv2d.h"
#include "ops/depthwise_conv2d/depthwise_conv2d.h"
#include "ops/matmul/matmul.h"
#include "ops/pad/pad.h"
#include "ops/reduce/reduce.h"
#include "ops/unary/unary.h"
#include "tests/golden/cases.h"

using namespace sonograd;
using namespace sonograd::golden;
using nlohmann::json;

namespace {

Pair pair_of(const json& attributes, const char* name) {
  if (!attributes.contains(name)) return {};
  return {attributes[name][0], attributes[name][1]};
}

Padding padding_of(const json& attributes) {
  const json& p = attributes["padding"];
  if (p == "same") return same;
  if (p == "valid") return valid;
  return {p[0][0], p[0][1], p[1][0], p[1][1]};
}

Tensor with_bias(const Tensor& y, const Named& in) {
  return in.count("b") > 0 ? bias_activation(y, in.at("b")) : y;
}

// The case's inputs but x are the layer's parameters, by the same names.
Named run_layer(const Layer& layer, const Named& in) {
  layer.visit([&](const std::string& path, Parameter& parameter) {
    const std::string name = path.rfind("se_", 0) == 0 ? path.substr(3) : path;
    if (in.count(name) > 0) parameter.value = in.at(name);
  });
  Context inference;
  return {{"y", layer(in.at("x"), inference)}};
}

void check_activation(const std::string& op, Tensor (*f)(const Tensor&)) {
  check_cases(op, [f](const json&, const Named& in) -> Named { return {{"y", f(in.at("x"))}}; });
}

}  // namespace

TEST_CASE("convolutions agree with Keras: strides, paddings, dilation, groups") {
  check_cases("conv2d", [](const json& attributes, const Named& in) -> Named {
    const Tensor y = conv2d(in.at("x"), in.at("w"),
                            {.stride = pair_of(attributes, "stride"),
                             .dilation = pair_of(attributes, "dilation"),
                             .groups = attributes["groups"],
                             .pad = padding_of(attributes)});
    return {{"y", with_bias(y, in)}};
  });
}

TEST_CASE("depthwise and separable convolutions agree with Keras") {
  check_cases("depthwise_conv2d", [](const json& attributes, const Named& in) -> Named {
    return {
        {"y", depthwise_conv2d(in.at("x"), in.at("w"),
                               {.stride = pair_of(attributes, "stride"), .pad = padding_of(attributes)})}};
  });
  check_cases("separable_conv2d", [](const json& attributes, const Named& in) -> Named {
    const Tensor deep = depthwise_conv2d(
        in.at("x"), in.at("w"), {.stride = pair_of(attributes, "stride"), .pad = padding_of(attributes)});
    return {{"y", conv2d(deep, in.at("p"))}};
  });
}

TEST_CASE("dense layers agree with Keras on two, three and four axes") {
  check_cases("dense", [](const json&, const Named& in) -> Named {
    return {{"y", with_bias(matmul(in.at("x"), in.at("w")), in)}};
  });
}

TEST_CASE("zero padding agrees with Keras") {
  check_cases("zero_pad", [](const json& attributes, const Named& in) -> Named {
    const json& p = attributes["pads"];
    return {{"y", zero_pad2d(in.at("x"), p[0][0], p[0][1], p[1][0], p[1][1])}};
  });
}

TEST_CASE("activations agree with Keras") {
  check_activation("relu", relu);
  check_activation("swish", swish);
  check_activation("sigmoid", sigmoid);
  check_activation("tanh", tanh);
  check_activation("gelu", gelu);
  check_cases("leaky_relu", [](const json& attributes, const Named& in) -> Named {
    return {{"y", leaky_relu(in.at("x"), attributes["slope"])}};
  });
}

TEST_CASE("global pooling agrees with Keras") {
  check_cases("global_average_pool", [](const json&, const Named& in) -> Named {
    return {{"y", mean(in.at("x"), {1, 2})}};
  });
  check_cases("global_max_pool", [](const json&, const Named& in) -> Named {
    return {{"y", max(in.at("x"), {1, 2})}};
  });
}

// In f64 alone: the key bias moves all scores of a query alike, so its gradient is 0 but for rounding, and
// the cases' bound is relative. Whole models hold attention on the cpu against Keras.
TEST_CASE("attention over both axes of a feature map agrees with Keras' MultiHeadAttention") {
  check_cases(
      "multi_head_attention",
      [](const json& attributes, const Named& in) -> Named {
        return run_layer(
            multi_head_attention(in.at("x").size(3), attributes["heads"], attributes["key_dim"], Keras::v3),
            in);
      },
      0);
}

TEST_CASE("squeeze-and-excitation agrees with Keras") {
  check_cases("squeeze_excite", [](const json&, const Named& in) -> Named {
    return run_layer(squeeze_excite(in.at("x").size(3), in.at("reduce.bias").size(0)), in);
  });
}

TEST_CASE("both forms of EfficientNet's input agree with Keras") {
  check_cases("input", [](const json& attributes, const Named& in) -> Named {
    const bool imagenet = attributes["form"] == "imagenet";
    const Tensor& x = in.at("x");
    const auto values = [&](const std::vector<double>& v) {
      return Tensor::of({3}, v, x.dtype(), x.device());
    };
    Named all{{"x", x},
              {"normalization.mean",
               values(imagenet ? std::vector{0.485, 0.456, 0.406} : std::vector{0.0, 0.0, 0.0})},
              {"normalization.variance",
               values(imagenet ? std::vector{0.229, 0.224, 0.225} : std::vector{1.0, 1.0, 1.0})}};
    return run_layer(input_scaling(imagenet ? InputForm::imagenet : InputForm::plain), all);
  });
}
