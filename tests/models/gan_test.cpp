#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "gan/adversarial_step.h"
#include "tests/golden/formula.h"
#include "tests/models/formula.h"

using namespace sonograd;
using namespace sonograd::golden;

namespace {

// tests/golden/data/gan.json, which scripts/golden_gan.py made: ten steps from formula weights.
const json& golden_gan() {
  return golden_model("gan");
}

constexpr Int all_steps = 10;

void load_formula(const Network& network, const json& rows, std::uint32_t first_key, DType dtype,
                  Device device) {
  const auto parameters = network.parameters();
  REQUIRE(parameters.size() == rows.size());
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const std::string name = rows[k][0];
    REQUIRE(parameters[k].name == name);
    Parameter& p = *parameters[k].parameter;
    p.value = Tensor::of(p.shape,
                         formula_weight(first_key + static_cast<std::uint32_t>(k), rows[k][1], rows[k][2],
                                        p.shape.elements(), golden_gan()["gain"]),
                         dtype, device);
  }
}

Tensor formula_tensor(const Shape& shape, std::uint32_t key, double scale, double shift, DType dtype,
                      Device device) {
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(shift + scale * draw(key, static_cast<std::uint32_t>(i)));
  return Tensor::of(shape, values, dtype, device);
}

// The pictures that a step draws, pixels 0 … 1.
Tensor real_pictures(Int step, DType dtype, Device device) {
  const json& g = golden_gan();
  const Int batch = g["batch"], count = g["pictures"];
  json facts = {{"batch", count}, {"size", g["size"]}};
  const Tensor all = formula_batch(facts).images;
  const Int size = all.elements() / count;
  std::vector<double> values;
  for (Int r = 0; r < batch; ++r) {
    const double u = draw(2000000, static_cast<std::uint32_t>(batch * step + r));
    const auto at = static_cast<Int>(std::floor(static_cast<double>(count) * u));
    for (Int i = 0; i < size; ++i) values.push_back(all.at(at * size + i) / 255);
  }
  return Tensor::of({batch, all.size(1), all.size(2), 3}, values, dtype, device);
}

using Values = std::vector<std::vector<double>>;

Values values_of(const Network& network) {
  Values values;
  for (const auto& [name, parameter] : network.parameters()) values.push_back(parameter->value.values());
  return values;
}

// A convolution's bias before a norm in training mode: its gradient is zero by algebra, so that Adam moves it
// by the sign of rounding.
bool is_noise(const std::string& network, const std::string& name) {
  if (name.find("conv2d") != 0 || name.find(".bias") == std::string::npos) return false;
  return network == "generator" ? name != "conv2d_4.bias" : name != "conv2d.bias";
}

// `least` is in units of the longest way that Adam can have gone, its rate at each update: forth and back may
// leave a small change with the error of a long way.
void check_changes(const Network& network, const Values& before, const json& run, double least,
                   double scatter) {
  const json& rows = run[network.name()];
  const json& names = golden_gan()["parameters"][network.name()];
  const json& errors = run["f32_" + network.name()];
  auto sorted = errors.get<std::vector<double>>();
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[sorted.size() / 2];
  const Values after = values_of(network);
  const double updates = 2 * all_steps;
  for (std::size_t k = 0; k < after.size(); ++k) {
    const std::string name = names[k][0];
    if (is_noise(network.name(), name)) continue;
    std::vector<double> change;
    for (std::size_t i = 0; i < after[k].size(); ++i) change.push_back(after[k][i] - before[k][i]);
    const Digest got = digest(Tensor::of({static_cast<Int>(change.size())}, change, DType::f64), 4);
    const double norm = rows[k][0], error = std::max(median, errors[k].get<double>());
    const double way =
        golden_gan()["rate"].get<double>() * updates * std::sqrt(static_cast<double>(change.size()));
    const double bound = std::max(least * std::max(norm, way), scatter * error * norm);
    INFO(network.name() << " " << name);
    CHECK(std::abs(got.norm - norm) <= bound);
    for (std::size_t j = 0; j < got.values.size(); ++j)
      CHECK(std::abs(got.values[j] - rows[k][1][j].get<double>()) <= bound);
  }
}

// Bounds: `scatter` times the most that Keras' and PyTorch's own f32 differ from f64 in several runs, and no
// less than `least`. A bias of one element may come out near the exact value by chance: for it, the median
// over all counts.
void check_run(const json& run, Int steps, DType dtype, Device device, double least, double scatter) {
  const json& g = golden_gan();
  const Int batch = g["batch"];
  Gan gan({.image_size = g["size"]});
  load_formula(gan.generator, g["parameters"]["generator"], 0, dtype, device);
  load_formula(gan.discriminator, g["parameters"]["discriminator"], 100, dtype, device);
  const Values generator = values_of(gan.generator), discriminator = values_of(gan.discriminator);
  const SmoothedLabels labels{formula_tensor({batch, 1}, 3000000, -0.05, 1, dtype, device),
                              formula_tensor({batch, 1}, 3000001, 0.05, 0, dtype, device)};
  const bool averages = run["norms"] == "B";
  const AdversarialOptions options{
      .norms = averages ? NormBehaviour::moving_averages : NormBehaviour::batch_statistics,
      .learning_rate = g["rate"],
      .dropout = false,
      .keras = Keras::v3};
  for (Int step = 0; step < steps; ++step) {
    std::array<Tensor, 3> noise;
    for (Int k = 0; k < 3; ++k)
      noise[static_cast<std::size_t>(k)] = formula_tensor(
          {batch, latent_size}, static_cast<std::uint32_t>(1000000 + 3 * step + k), 2, -1, dtype, device);
    const AdversarialResult got =
        adversarial_step(gan, real_pictures(step, dtype, device), noise, labels, options);
    const json& losses = run["losses"][static_cast<std::size_t>(step)];
    const double bound =
        std::max(least, scatter * run["f32_losses"][static_cast<std::size_t>(step)].get<double>());
    CAPTURE(step);
    CHECK(std::abs(got.real_loss - losses[0].get<double>()) <= bound);
    CHECK(std::abs(got.fake_loss - losses[1].get<double>()) <= bound);
    CHECK(std::abs(got.generator_losses[0] - losses[2].get<double>()) <= bound);
    CHECK(std::abs(got.generator_losses[1] - losses[3].get<double>()) <= bound);
  }
  if (steps < all_steps) return;
  check_changes(gan.generator, generator, run, least, scatter);
  check_changes(gan.discriminator, discriminator, run, least, scatter);
}

Int count(const Network& network) {
  Int n = 0;
  for (const auto& [name, parameter] : network.parameters()) n += parameter->shape.elements();
  return n;
}

}  // namespace

TEST_CASE("the DCGAN's parameters are the notebook's") {
  CHECK(count(generator({})) == 3129731);
  CHECK(count(discriminator({})) == 440385);
  CHECK(generator({}).parameters().size() == 28);
  CHECK(discriminator({}).parameters().size() == 22);
  CHECK_THROWS_WITH_AS(generator({.image_size = 100}), "a DCGAN's image size is a multiple of 16, got 100",
                       Error);
}

TEST_CASE("adversarial steps in f64 are those of Keras (B) and of the plain equations (A)") {
  for (const json& run : golden_gan()["runs"]) {
    INFO("norms " << run["norms"].get<std::string>());
    check_run(run, full() ? all_steps : 1, DType::f64, Device::reference, 1e-8, 0);
  }
}

TEST_CASE("ten adversarial steps in f32 are as close to Keras' f64 as its own f32") {
  for (const json& run : golden_gan()["runs"]) {
    INFO("norms " << run["norms"].get<std::string>());
    check_run(run, all_steps, DType::f32, Device::cpu, 2e-6, 2);
  }
}
