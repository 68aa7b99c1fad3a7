#include <doctest/doctest.h>

#include "layers/moving_average.h"
#include "ops/batch_norm/frozen.h"
#include "ops/layer_norm/layer_norm.h"
#include "tests/golden/cases.h"

using namespace sonograd;
using namespace sonograd::golden;
using nlohmann::json;

// One case has a mean of 50 and a deviation of 0.3: rounding the mean to f32 alone moves y by 1e-5.
constexpr double tolerance = 4e-5;

TEST_CASE("batch norm in training mode agrees with Keras, the moving statistics of Keras 2 and 3 too") {
  check_cases(
      "batch_norm_train",
      [](const json& attributes, const Named& in) -> Named {
        const Tensor& x = in.at("x");
        const Normalised result =
            batch_norm_train(x, in.at("gamma"), in.at("beta"), {.epsilon = attributes["epsilon"]});
        const Int rows = x.elements() / x.size(-1);
        const double momentum = attributes["momentum"], n = static_cast<double>(rows);
        Tensor mean = in.at("moving_mean").copy(), variance = in.at("moving_variance").copy(),
               keras2 = variance.copy();
        apply_updates({{mean, result.mean, momentum},
                       {variance, result.variance, momentum},
                       {keras2, result.variance, momentum, x.rank() == 4 ? n / (n - 1) : 1}});
        return {{"y", result.y},
                {"moving_mean", mean},
                {"moving_variance", variance},
                {"moving_variance_keras2", keras2}};
      },
      tolerance);
}

TEST_CASE("batch norm at inference agrees with Keras") {
  check_cases("batch_norm_inference", [](const json& attributes, const Named& in) -> Named {
    return {{"y", batch_norm_frozen(in.at("x"), in.at("gamma"), in.at("beta"), in.at("moving_mean"),
                                    in.at("moving_variance"), {.epsilon = attributes["epsilon"]})}};
  });
}

TEST_CASE("layer norm agrees with Keras") {
  check_cases("layer_norm", [](const json& attributes, const Named& in) -> Named {
    return {{"y", layer_norm(in.at("x"), in.at("gamma"), in.at("beta"), {.epsilon = attributes["epsilon"]})}};
  });
}
