// Spectral norm, KID, precision and recall, nearest neighbours: tests/golden/data/gan_health.json, which
// scripts/golden_gan_health.py made with PyTorch and plain NumPy.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/tape.h"
#include "base/error.h"
#include "gan/fidelity.h"
#include "layers/spectral_norm.h"
#include "tests/golden/formula.h"

using namespace sonograd;
using nlohmann::json;

namespace {

const json& golden_health() {
  static const json content =
      json::parse(std::ifstream(SONOGRAD_SOURCE_DIR "/tests/golden/data/gan_health.json"));
  return content;
}

Tensor symmetric(const Shape& shape, std::uint32_t key) {
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(2 * golden::draw(key, static_cast<std::uint32_t>(i)) - 1);
  return Tensor::of(shape, values, DType::f64, Device::reference);
}

Features rows(Int count, std::uint32_t key, double shift, double scale) {
  Features features;
  for (Int i = 0; i < count; ++i) {
    features.emplace_back();
    for (Int c = 0; c < 6; ++c)
      features.back().push_back(shift + scale * golden::draw(key, static_cast<std::uint32_t>(6 * i + c)));
  }
  return features;
}

const Gram& gram() {
  static const Gram only(rows(40, 4, 0, 1), rows(30, 5, 0.3, 0.8));
  return only;
}

Subset whole() {
  Subset subset;
  for (Int i = 0; i < 70; ++i) (i < 40 ? subset.real : subset.generated).push_back(i);
  return subset;
}

}  // namespace

TEST_CASE("spectral norm and its gradient are PyTorch's") {
  Tensor kernel = symmetric({3, 3, 4, 6}, 1), u = symmetric({6, 1}, 2);
  const Tensor cotangent = symmetric({3, 3, 4, 6}, 3);
  for (const json& step : golden_health()["spectral"]) {
    SpectralEstimate estimate;
    const auto [value, gradients] = value_and_gradient(
        [&] {
          estimate = spectral_estimate(kernel, u);
          return sum(multiply(divide(kernel, reshape(estimate.sigma, {})), cotangent), {0, 1, 2, 3});
        },
        {&kernel});
    u = estimate.u.detach();
    CHECK(estimate.sigma.item() == doctest::Approx(step["sigma"].get<double>()).epsilon(1e-12));
    for (Int i = 0; i < 6; ++i)
      CHECK(u.at(i) == doctest::Approx(step["u"][static_cast<std::size_t>(i)].get<double>()).epsilon(1e-11));
    const json& expected = step["gradient"];
    const auto n = static_cast<Int>(expected.size());
    for (Int j = 0; j < n; ++j)
      CHECK(gradients[0].at(j * 215 / (n - 1)) ==
            doctest::Approx(expected[static_cast<std::size_t>(j)].get<double>()).epsilon(1e-10));
  }
}

TEST_CASE("the Gram matrix of features of any length") {
  for (const std::size_t length : {1, 8, 19}) {
    Features rows(3);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t c = 0; c < length; ++c) rows[i].push_back(static_cast<double>(1 + i + 2 * c));
    const Gram found({rows[0]}, {rows[1], rows[2]});
    CHECK(found.length() == static_cast<Int>(length));
    for (Int i = 0; i < 3; ++i)
      for (Int j = 0; j < 3; ++j) {
        double expected = 0;
        for (std::size_t c = 0; c < length; ++c)
          expected += rows[static_cast<std::size_t>(i)][c] * rows[static_cast<std::size_t>(j)][c];
        CHECK(found.dot(i, j) == expected);  // of whole numbers
      }
  }
  CHECK_THROWS_WITH_AS(Gram({{1, 2}}, {{1, 2, 3}}), "features of 2 and of 3 numbers", Error);
}

TEST_CASE("KID by its definition") {
  CHECK(polynomial_mmd2(gram(), whole()) ==
        doctest::Approx(golden_health()["mmd2"].get<double>()).epsilon(1e-11));
  std::vector<Subset> subsets;
  for (Int k = 0; k < 3; ++k) {
    subsets.emplace_back();
    for (Int i = 0; i < 20; ++i) {
      subsets.back().real.push_back((7 * k + 3 * i) % 40);
      subsets.back().generated.push_back(40 + (11 * k + i) % 30);
    }
  }
  const Kid found = kid(gram(), subsets);
  CHECK(found.mean == doctest::Approx(golden_health()["kid"][0].get<double>()).epsilon(1e-11));
  CHECK(found.deviation == doctest::Approx(golden_health()["kid"][1].get<double>()).epsilon(1e-9));
  CHECK(found.subset_size == 20);
}

TEST_CASE("a subset holds different pictures of either part") {
  for (const Subset& subset : draw_subsets(gram(), 5, 30, Random(1))) {
    const std::set<Int> real(subset.real.begin(), subset.real.end()),
        generated(subset.generated.begin(), subset.generated.end());
    CHECK(real.size() == 30);
    CHECK(*real.rbegin() < 40);
    CHECK(generated.size() == 30);
    CHECK(*generated.begin() == 40);
    CHECK(*generated.rbegin() == 69);
  }
  CHECK_THROWS_WITH_AS(draw_subsets(gram(), 1, 31, Random(1)),
                       "a subset of 31 pictures cannot be drawn from 40 real and 30 generated ones", Error);
}

TEST_CASE("precision and recall by their definition") {
  for (std::size_t k = 1; k <= 3; ++k) {
    const PrecisionRecall found = precision_recall(gram(), static_cast<Int>(k));
    CHECK(found.precision ==
          doctest::Approx(golden_health()["precision"][k - 1].get<double>()).epsilon(1e-12));
    CHECK(found.recall == doctest::Approx(golden_health()["recall"][k - 1].get<double>()).epsilon(1e-12));
  }
  CHECK(precision_recall(gram()).recall ==
        doctest::Approx(golden_health()["recall"][2].get<double>()).epsilon(1e-12));
  CHECK_THROWS_AS(precision_recall(Gram(rows(3, 4, 0, 1), rows(9, 5, 0, 1))), Error);
}

TEST_CASE("precision and recall tell missing kinds from strange pictures") {
  const Features real{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {9, 9}, {9, 8}, {8, 9}, {8, 8}};
  const Features one_kind{{0.5, 0.5}, {0.4, 0.5}, {0.5, 0.4}, {0.6, 0.5}};
  const PrecisionRecall half = precision_recall(Gram(real, one_kind));
  CHECK(half.precision == 1);
  CHECK(half.recall == 0);  // the balls of pictures that are alike are small
  const Features strange{{50, 50}, {51, 50}, {50, 51}, {51, 51}};
  CHECK(precision_recall(Gram(real, strange)).precision == 0);
  CHECK(precision_recall(Gram(real, real)).precision == 1);
  CHECK(precision_recall(Gram(real, real)).recall == 1);
}

TEST_CASE("nearest neighbours, and copies among generated pictures") {
  const Memorisation found = memorisation(gram());
  const json& g = golden_health();
  CHECK(found.nearest == g["nearest"].get<std::vector<Int>>());
  for (std::size_t i = 0; i < found.distance.size(); ++i)
    CHECK(found.distance[i] == doctest::Approx(g["distance"][i].get<double>()).epsilon(1e-11));
  CHECK(found.median_generated == doctest::Approx(g["median_generated"].get<double>()).epsilon(1e-11));
  CHECK(found.median_real == doctest::Approx(g["median_real"].get<double>()).epsilon(1e-11));
  CHECK(found.copied == doctest::Approx(g["copied"].get<double>()).epsilon(1e-12));
  const Features real = rows(20, 4, 0, 1);
  const Memorisation copies = memorisation(Gram(real, {real[3], real[7]}));
  CHECK(copies.nearest == std::vector<Int>{3, 7});
  CHECK(copies.copied == 1);
}
