#include "models/compare_activations.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dense.h"
#include "layers/pooling.h"

using namespace sonograd;

namespace {

constexpr Int size = 8;

// A model with a chosen epsilon in its second norm.
Model network(double epsilon = 1e-3) {
  Chain base, head;
  base.add("block1.conv", conv({.in = 3, .out = 6, .kernel = 3, .stride = 2}))
      .add("block1.bn", batch_norm(6))
      .add("block2.conv", conv({.in = 6, .out = 6, .kernel = 3}))
      .add("block2.bn", batch_norm(6, 0.99, epsilon));
  head.add("global_average_pooling2d", GlobalPooling{}).add("dense", dense(6, 3));
  Model model({.name = "network", .image_size = size}, std::move(base), std::move(head));
  model.initialise(Random(5), DType::f32, Device::cpu);
  for (const NamedParameter& p : model.parameters())
    if (p.name.ends_with("moving_variance")) p.parameter->value.fill(0.5);
  return model;
}

Tensor pictures() {
  Tensor images = Tensor::empty({2, size, size, 3});
  initialise(images, {Init::Kind::uniform, 255}, Random(2, "picture"));
  return images;
}

Tensor channels_first(const Tensor& x) {
  const Strides& s = x.strides();
  return x.view(0, {x.size(0), x.size(3), x.size(1), x.size(2)}, {s[0], s[3], s[1], s[2]}).copy();
}

// What another framework would have written of this model, under Keras' names.
StoredTensors dump_of(const Model& model, bool nchw = false) {
  const auto entry = [&](std::string name, const Tensor& x) {
    std::replace(name.begin(), name.end(), '.', '_');
    return stored(name, nchw && x.rank() == 4 ? channels_first(x) : x.copy());
  };
  StoredTensors dump{entry("input", pictures())};
  Context context{.fuse = false};
  context.on_output = [&](const std::string& path, Tensor& y) { dump.push_back(entry(path, y)); };
  const NoGrad quiet;
  model.logits(pictures(), context);
  return dump;
}

ActivationComparison compare(const Model& model, const StoredTensors& dump,
                             const CompareActivations& o = {}) {
  return compare_activations(model, input_of(dump, DType::f32, Device::cpu), dump, o);
}

std::string first(const ActivationComparison& all) {
  const LayerComparison* const layer = all.first_that_differs();
  return layer ? layer->layer : "";
}

Int differing(const ActivationComparison& all) {
  return std::count_if(all.layers.begin(), all.layers.end(), [](const auto& l) { return l.differs; });
}

}  // namespace

TEST_CASE("a model agrees with its own dump, in both layouts, to the last place") {
  for (const bool nchw : {false, true}) {
    CAPTURE(nchw);
    const ActivationComparison all = compare(network(), dump_of(network(), nchw));
    CHECK(all.channels_first == nchw);
    REQUIRE(all.layers.size() == 6);
    CHECK(all.layers[0].layer == "block1.conv");
    CHECK(all.layers[5].layer == "dense");
    CHECK(first(all) == "");
    CHECK((all.ours_alone.empty() && all.theirs_alone.empty()));
    for (const LayerComparison& layer : all.layers) {
      CHECK(layer.largest_error == 0);
      CHECK(layer.ulps == std::vector<Int>{layer.ours.elements()});
    }
    CHECK(all.layers[0].theirs == (nchw ? Shape{2, 6, 4, 4} : Shape{2, 4, 4, 6}));
  }
}

TEST_CASE("a wrong epsilon, a transposed kernel and a disturbed weight are named") {
  const StoredTensors dump = dump_of(network());
  CHECK(first(compare(network(2e-3), dump)) == "block2.bn");

  Model turned = network();
  Tensor& kernel = turned.parameters()[5].parameter->value;
  REQUIRE(turned.parameters()[5].name == "block2.conv.kernel");
  const Strides& s = kernel.strides();
  kernel = kernel.view(0, {3, 3, 6, 6}, {s[1], s[0], s[2], s[3]}).copy();
  const ActivationComparison all = compare(turned, dump, {.tolerance = 1e-6});
  CHECK(first(all) == "block2.conv");
  CHECK(differing(all) == 4);  // and all that follow it
  CHECK(differing(compare(turned, dump, {.tolerance = 1e-6, .isolate = true})) == 1);

  Model disturbed = network();
  disturbed.parameters()[5].parameter->value.slice(0, 1, 2).slice(1, 1, 2).slice(2, 0, 1).slice(3, 2, 3).fill(
      9);
  const ActivationComparison compared = compare(disturbed, dump);
  REQUIRE(compared.first_that_differs() != nullptr);
  const LayerComparison layer = *compared.first_that_differs();
  CHECK(layer.layer == "block2.conv");
  CHECK(layer.worst % 6 == 2);  // the channel
  CHECK(layer.largest_error == doctest::Approx(std::abs(layer.our_value - layer.their_value)));
  CHECK(layer.ulps[0] >= 5 * layer.ours.elements() / 6);
}

TEST_CASE("another shape, a number that is not finite and layers of one side alone are told") {
  StoredTensors dump = dump_of(network());
  dump[2] = stored("block1_bn", Tensor::zeros({2, 4, 4, 5}));
  ActivationComparison all = compare(network(), dump);
  REQUIRE(first(all) == "block1.bn");
  LayerComparison layer = *all.first_that_differs();
  CHECK(layer.theirs == Shape{2, 4, 4, 5});
  CHECK(layer.ulps.empty());

  dump = dump_of(network());
  Tensor broken = dump[2].read().copy();
  broken.slice(0, 0, 1).fill(std::numeric_limits<double>::quiet_NaN());
  dump[2] = stored("block1_bn", broken);
  all = compare(network(), dump, {.tolerance = 1});
  REQUIRE(first(all) == "block1.bn");
  layer = *all.first_that_differs();
  CHECK(std::isinf(layer.relative_error));

  dump = dump_of(network());
  dump[2].name = "block1/norm";
  all = compare(network(), dump);
  CHECK(first(all) == "");
  CHECK(all.layers.size() == 5);
  CHECK(all.ours_alone == std::vector<std::string>{"block1.bn"});
  CHECK(all.theirs_alone == std::vector<std::string>{"block1/norm"});

  CHECK_THROWS_WITH_AS(compare(network(), {dump[0], dump[2]}),
                       "the dump holds no output of a layer of network: none of 1 has the name of one",
                       Error);
  CHECK_THROWS_WITH_AS(compare(network(), {dump[1]}),
                       "the dump holds no `input`, the images that the layers saw", Error);
}

TEST_CASE("units in the last place count the numbers between two") {
  CHECK(units_in_last_place(1.0F, 1.0F) == 0);
  CHECK(units_in_last_place(1.0F, std::nextafter(1.0F, 2.0F)) == 1);
  CHECK(units_in_last_place(0.0F, -0.0F) == 0);
  CHECK(units_in_last_place(std::numeric_limits<float>::denorm_min(),
                            -std::numeric_limits<float>::denorm_min()) == 2);
  CHECK(units_in_last_place(1.0F, 2.0F) == 1 << 23);
  CHECK(units_in_last_place(1.0, 2.0) == std::uint64_t{1} << 52);
  CHECK(units_in_last_place(NAN, NAN) == 0);
  CHECK(units_in_last_place(1.0F, NAN) > 1 << 23);
}
