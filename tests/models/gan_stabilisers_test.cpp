// What the notebook lacks: spectral norm, averaged generator, differentiable augmentation; and what is
// measured of the pictures.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "gan/adversarial_step.h"
#include "gan/moving_average.h"
#include "gan/pictures.h"
#include "gan/sample.h"
#include "layers/spectral_norm.h"
#include "ops/binary/binary.h"
#include "ops/reduce/reduce.h"

using namespace sonograd;

namespace {

Tensor noise_pictures(Int n, Int size, DType dtype = DType::f64, Device device = Device::reference) {
  std::vector<double> values;
  const Random random(3);
  for (Int i = 0; i < n * size * size * 3; ++i)
    values.push_back(random.uniform(static_cast<std::uint64_t>(i)));
  return Tensor::of({n, size, size, 3}, values, dtype, device);
}

double pixel(const Tensor& x, Int n, Int y, Int column, Int c) {
  return x.at(((n * x.size(1) + y) * x.size(2) + column) * 3 + c);
}

}  // namespace

TEST_CASE("augmentations are differentiable") {
  const Tensor x = noise_pictures(2, 8);
  for (const char* name : {"color", "translation", "cutout"}) {
    CAPTURE(name);
    const AugmentPolicy policy = augment_policy({name});
    const GradcheckResult result =
        gradcheck([&](const Tensors& in) { return Tensors{augmented(in[0], policy, Random(5))}; }, {x});
    INFO(result.text);
    CHECK(result.ok);
  }
}

TEST_CASE("colour changes each picture by its own brightness, saturation and contrast") {
  const Tensor x = noise_pictures(2, 4);
  const Tensor y = augmented(x, augment_policy({"color"}), Random(5));
  const Random random = Random(5).stream("color");
  for (Int n = 0; n < 2; ++n) {
    const auto u = [&](const char* what) {
      return random.stream(what).uniform(static_cast<std::uint64_t>(n));
    };
    const double bright = u("brightness") - 0.5, saturation = 2 * u("saturation"),
                 contrast = 0.5 + u("contrast");
    double mean = 0;
    std::vector<double> expected;
    for (Int i = 0; i < 16; ++i) {
      std::array<double, 3> rgb{};
      for (Int c = 0; c < 3; ++c)
        rgb[static_cast<std::size_t>(c)] = 2 * x.at((n * 16 + i) * 3 + c) - 1 + bright;
      const double grey = (rgb[0] + rgb[1] + rgb[2]) / 3;
      for (const double level : rgb) expected.push_back(grey + saturation * (level - grey));
      mean += grey / 16;
    }
    for (Int i = 0; i < 48; ++i)
      CHECK(y.at(n * 48 + i) ==
            doctest::Approx((mean + contrast * (expected[static_cast<std::size_t>(i)] - mean) + 1) / 2));
  }
}

TEST_CASE("translation moves each picture by at most an eighth, over grey") {
  const Tensor x = noise_pictures(6, 16);
  const Tensor y = augmented(x, augment_policy({"translation"}), Random(5));
  REQUIRE(y.shape() == x.shape());
  std::vector<std::pair<Int, Int>> moves;
  for (Int n = 0; n < 6; ++n) {
    const auto moved_by = [&](Int down, Int right) {
      for (Int r = 0; r < 16; ++r)
        for (Int c = 0; c < 16; ++c) {
          const bool inside = 0 <= r - down && r - down < 16 && 0 <= c - right && c - right < 16;
          const double expected = inside ? pixel(x, n, r - down, c - right, 1) : 0.5;
          if (std::abs(pixel(y, n, r, c, 1) - expected) > 1e-12) return false;
        }
      return true;
    };
    Int found = 0;
    for (Int down = -2; down <= 2; ++down)
      for (Int right = -2; right <= 2; ++right)
        if (moved_by(down, right)) {
          ++found;
          moves.emplace_back(down, right);
        }
    CHECK(found == 1);
  }
  CHECK(moves.front() != moves.back());
}

TEST_CASE("cutout greys a square of half the size") {
  const Tensor x = noise_pictures(6, 16);
  const Tensor y = augmented(x, augment_policy({"cutout"}), Random(5));
  for (Int n = 0; n < 6; ++n) {
    Int top = 16, bottom = -1, left = 16, right = -1, count = 0;
    for (Int r = 0; r < 16; ++r)
      for (Int c = 0; c < 16; ++c) {
        if (std::abs(pixel(y, n, r, c, 0) - pixel(x, n, r, c, 0)) < 1e-12) continue;
        CHECK(pixel(y, n, r, c, 0) == doctest::Approx(0.5));
        top = std::min(top, r);
        bottom = std::max(bottom, r);
        left = std::min(left, c);
        right = std::max(right, c);
        ++count;
      }
    const Int tall = bottom - top + 1, broad = right - left + 1;
    CHECK(count == tall * broad);
    CHECK((tall == 8 || (tall >= 4 && (top == 0 || bottom == 15))));
    CHECK((broad == 8 || (broad >= 4 && (left == 0 || right == 15))));
  }
}

TEST_CASE("augmentation's names") {
  CHECK(text_of(augment_policy({"cutout", "color"})) == "color,cutout");
  CHECK(text_of(augment_policy({})) == "none");
  CHECK_THROWS_AS(augment_policy({"blur"}), UsageError);
}

TEST_CASE("a discriminator with spectral norms has weights of norm 1 and no batch norm") {
  const DcganOptions options{.image_size = 16, .width = 0.125, .spectral_norm = true};
  Gan gan(options);
  gan.initialise(Random(1), DType::f64, Device::reference);
  Int estimates = 0;
  for (const auto& [name, parameter] : gan.discriminator.parameters()) {
    CHECK(name.find("batch_normalization") == std::string::npos);
    estimates += name.rfind(".u") == name.size() - 2;
  }
  CHECK(estimates == 5);
  const SmoothedLabels labels = smoothed_labels(4, Random(1), DType::f64, Device::reference);
  const auto noise = [](std::uint64_t k) {
    return latent_noise(4, Random(2).at(k), DType::f64, Device::reference);
  };
  const auto u_of = [&](std::size_t i) {
    return gan.discriminator.parameters()[i].parameter->value.values();
  };
  const auto before = u_of(2);
  AdversarialOptions step{.learning_rate = 1e-9, .dropout = false};
  for (std::uint64_t k = 0; k < 40; ++k)
    adversarial_step(gan, noise_pictures(4, 16), {noise(3 * k), noise(3 * k + 1), noise(3 * k + 2)}, labels,
                     step);
  CHECK(gan.discriminator.parameters()[2].name == "conv2d.u");
  CHECK(u_of(2) != before);
  // With both vectors found, sigma is the largest singular value: no vector is stretched further.
  const Tensor kernel = gan.discriminator.parameters()[0].parameter->value;
  const double sigma =
      spectral_estimate(kernel, gan.discriminator.parameters()[2].parameter->value).sigma.item();
  const Tensor matrix = kernel.reshaped({kernel.elements() / kernel.size(3), kernel.size(3)});
  const auto stretch = [&](const Tensor& x) {
    return std::sqrt(sum(square(matmul(matrix, x)), {0, 1}).item() / sum(square(x), {0, 1}).item());
  };
  for (std::uint64_t k = 0; k < 50; ++k) {
    Tensor x = Tensor::empty({kernel.size(3), 1}, DType::f64, Device::reference);
    initialise(x, {Init::Kind::normal, 1}, Random(k));
    CHECK(stretch(x) <= sigma * (1 + 1e-6));
  }
}

TEST_CASE("a moving average follows its network, quickly at first") {
  const DcganOptions options{.image_size = 16, .width = 0.0625};
  const Network now = generator(options), average = generator(options);
  for (const Network* network : {&now, &average})
    for (const auto& [name, parameter] : network->parameters())
      parameter->value = Tensor::filled(parameter->shape, network == &now ? 1 : 0, DType::f64);
  double expected = 0;
  for (Int t = 0; t < 30; ++t) {
    move_average(average, now, 0.75, t);
    const double d = std::min(0.75, (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t)));
    expected = d * expected + (1 - d);
    for (const auto& [name, parameter] : average.parameters())
      CHECK(parameter->value.at(0) == doctest::Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE("a GAN's width and image size are its own") {
  const Network narrow = generator({.image_size = 48, .width = 0.25});
  CHECK(narrow.parameters()[0].parameter->shape == Shape{100, 3 * 3 * 32});
  CHECK_THROWS_WITH_AS(discriminator({.image_size = 32, .width = 0}), "a DCGAN's width lies in (0, 4], got 0",
                       Error);
}

TEST_CASE("bytes are floor(255 x)") {
  const ImageSet bytes = to_bytes(Tensor::of({1, 1, 2, 3}, {0, 0.5, 1, 0.99999, 1.0 / 255, 0.25}));
  CHECK(bytes.pixels == std::vector<std::uint8_t>{0, 127, 255, 254, 1, 63});
}

TEST_CASE("similarity is 1 for equal pictures, about 0 for unrelated ones") {
  const ImageSet various = to_bytes(noise_pictures(8, 16));
  const double apart = mean_similarity(thumbnails(various, all_of(8)));
  CHECK(std::abs(apart) < 0.1);
  const std::vector<Int> same{3, 3, 3};
  CHECK(mean_similarity(thumbnails(various, same)) == doctest::Approx(1));
  ImageSet blank = various;
  std::fill(blank.pixels.begin(), blank.pixels.end(), std::uint8_t{200});
  CHECK(mean_similarity(thumbnails(blank, all_of(8))) == 1);
  CHECK(std::isnan(mean_similarity(thumbnails(various, all_of(1)))));
}

TEST_CASE("an interpolation begins and ends at the pictures of its noises") {
  const Network network = generator({.image_size = 16, .width = 0.0625});
  const Random random(9);
  for (const auto& [name, parameter] : network.parameters()) {
    parameter->value = Tensor::empty(parameter->shape);
    initialise(parameter->value, parameter->init, Random(1).stream(name));
  }
  const ImageSet strip = interpolation(network, random, 5);
  const ImageSet ends = to_bytes(generate(network, latent_noise(2, random, DType::f32, Device::cpu)));
  CHECK(strip.size() == 5);
  for (Int i = 0; i < strip.height * strip.width * 3; ++i) {
    CHECK(std::abs(strip.image(0)[static_cast<std::size_t>(i)] -
                   ends.image(0)[static_cast<std::size_t>(i)]) <= 1);
    CHECK(std::abs(strip.image(4)[static_cast<std::size_t>(i)] -
                   ends.image(1)[static_cast<std::size_t>(i)]) <= 1);
  }
}
