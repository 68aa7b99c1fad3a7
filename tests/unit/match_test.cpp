#include "models/weights/match.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/error_of.h"

using namespace sonograd;

namespace {

// A model of four parameters, the first two of them its base.
struct Model {
  Tensor values[4];
  Slots slots = {{"conv.kernel", {3, 2}, &values[0]},
                 {"conv.bias", {2}, &values[1]},
                 {"dense.kernel", {2, 1}, &values[2]},
                 {"dense.bias", {1}, &values[3]}};
};

WeightFile file_of(StoredTensors tensors, Facts facts = {}) {
  return {"w.safetensors", WeightFormat::safetensors, std::move(tensors), std::move(facts)};
}

StoredTensors whole() {
  return {stored("dense.bias", Tensor::of({1}, {4})), stored("dense.kernel", Tensor::of({2, 1}, {3, 3.5})),
          stored("conv.bias", Tensor::of({2}, {2, 2.5}, DType::f64)),
          stored("conv.kernel", Tensor::of({3, 2}, {1, 2, 3, 4, 5, 6}))};
}

StoredTensors base() {
  return {whole()[2], whole()[3]};
}

}  // namespace

TEST_CASE("a whole file fills the model, in any order, as the model's type") {
  Model model;
  model.values[0] = Tensor::zeros({3, 2}, DType::f64, Device::reference);
  const Loaded loaded = load_weights(file_of(whole()), "mini", model.slots, 2, Extent::whole);
  CHECK(loaded.filled == Filled::whole);
  CHECK(loaded.match.mapped.size() == 4);
  CHECK(model.values[0].values() == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(model.values[0].dtype() == DType::f64);
  CHECK(model.values[0].device() == Device::reference);
  CHECK(model.values[1].dtype() == DType::f32);
  CHECK(model.values[1].values() == std::vector<double>{2, 2.5});
  CHECK(model.values[3].item() == 4);
}

TEST_CASE("a base fills what lies before the head, where that is allowed") {
  Model model;
  CHECK(load_weights(file_of(base()), "mini", model.slots, 2, Extent::whole_or_base).filled == Filled::base);
  CHECK(model.values[1].values() == std::vector<double>{2, 2.5});
  CHECK_FALSE(model.values[2].defined());

  Model strict;
  CHECK(error_of([&] { load_weights(file_of(base()), "mini", strict.slots, 2, Extent::whole); }) ==
        "w.safetensors does not fit mini: 2 of its 4 tensors are there, 2 missing (dense.kernel, "
        "dense.bias); give "
        "weights of this model, or take what fits with --partial");
  CHECK_FALSE(strict.values[0].defined());
}

TEST_CASE("anything between a base and a whole is an error, unless partial") {
  const auto without = [](std::size_t i) {
    StoredTensors tensors = whole();
    tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
    return file_of(tensors);
  };
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    Model model;
    CHECK(error_of([&] { load_weights(without(i), "mini", model.slots, 2, Extent::whole_or_base); }) !=
          "no error");
    CHECK(load_weights(without(i), "mini", model.slots, 2, Extent::partial).filled == Filled::part);
  }
  // As many tensors as the base has, but not those of the base.
  Model model;
  const WeightFile mixed = file_of({whole()[0], whole()[3]});
  CHECK(error_of([&] { load_weights(mixed, "mini", model.slots, 2, Extent::whole_or_base); }) != "no error");
}

TEST_CASE("other shapes and unknown tensors are named; partial skips them") {
  StoredTensors tensors = whole();
  tensors[1] = stored("dense.kernel", Tensor::of({1, 2}, {3, 3.5}));
  tensors.push_back(stored("other\n", Tensor::zeros({1})));
  Model model;
  const std::string text = error_of([&] {
    load_weights(file_of(tensors, {{"model", "other"}}), "mini", model.slots, 2, Extent::whole_or_base);
  });
  CHECK(
      text ==
      "w.safetensors holds \"other\" and does not fit mini: 3 of its 4 tensors are there, 1 of another shape "
      "(dense.kernel [1,2] is [2,1] here), 1 unused (other\\n); give weights of this model, or take what "
      "fits with --partial");
  const Loaded loaded = load_weights(file_of(tensors), "mini", model.slots, 2, Extent::partial);
  CHECK(loaded.filled == Filled::part);
  CHECK(loaded.match.mismatched.size() == 1);
  CHECK_FALSE(model.values[2].defined());
  CHECK(model.values[3].item() == 4);
}

TEST_CASE("weights of another model are one line, partial or not") {
  StoredTensors tensors;
  for (int i = 0; i < 5; ++i) tensors.push_back(stored(fmt::format("layer{}", i), Tensor::zeros({1})));
  Model model;
  for (const Extent extent : {Extent::whole, Extent::whole_or_base, Extent::partial})
    CHECK(error_of([&] { load_weights(file_of(tensors), "mini", model.slots, 2, extent); }) ==
          "w.safetensors does not fit mini: 0 of its 4 tensors are there, 4 missing (conv.kernel, "
          "conv.bias, dense.kernel, …), 5 unused (layer0, layer1, layer2, …); give weights of this model");
}

TEST_CASE("a model of no family has files under our names alone, and legacy Keras' by position") {
  Model model;
  CHECK(load_weights(file_of(base()), "other", model.slots, 2, Extent::whole_or_base).filled == Filled::base);
  CHECK(model.values[1].values() == std::vector<double>{2, 2.5});
  CHECK(error_of([&] { load_weights(file_of(base()), "other", model.slots, 2, Extent::whole); }) ==
        "w.safetensors does not fit other: 2 of its 4 tensors are there, 2 missing (dense.kernel, "
        "dense.bias); give weights of this model, or take what fits with --partial");

  WeightFile legacy = file_of({stored("conv2d_7/kernel:0", Tensor::of({3, 2}, {1, 2, 3, 4, 5, 6})),
                               stored("conv2d_7/bias:0", Tensor::of({2}, {7, 8}))});
  legacy.format = WeightFormat::legacy_h5;
  CHECK(load_weights(legacy, "other", model.slots, 2, Extent::whole_or_base).filled == Filled::base);
  CHECK(model.values[1].values() == std::vector<double>{7, 8});
}

TEST_CASE("values that no training leaves behind are named") {
  const auto text = [](double value, const char* name) {
    Tensor slot;
    return error_of([&] {
      load_weights(file_of({stored(name, Tensor::of({2}, {1, value}))}), "other", {{name, {2}, &slot}}, 0,
                   Extent::whole);
    });
  };
  CHECK(text(NAN, "bias") ==
        "w.safetensors: bias holds nan, which is no finite number; the weights are not sound, take earlier "
        "ones");
  CHECK(text(-INFINITY, "bias").find("holds -inf") != std::string::npos);
  CHECK(text(-0.5, "bn.moving_variance").find("holds -0.5, which is no variance") != std::string::npos);
  CHECK(text(-0.5, "bias") == "no error");
  CHECK(text(0, "bn.moving_variance") == "no error");
}
