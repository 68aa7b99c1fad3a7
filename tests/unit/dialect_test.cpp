#include <doctest/doctest.h>

#include "models/weights/dialect.h"
#include "models/weights/match.h"
#include "tests/error_of.h"

using namespace sonograd;

namespace {

Tensor counted(const Shape& shape) {
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i) values.push_back(static_cast<double>(i));
  return Tensor::of(shape, values);
}

WeightFile file_of(StoredTensors tensors, WeightFormat format = WeightFormat::safetensors) {
  return {"w", format, std::move(tensors), {}};
}

Tensor read(const WeightFile& file, std::string_view name) {
  for (const StoredTensor& tensor : file.tensors)
    if (tensor.name == name) return tensor.read();
  return {};
}

const Slots xception{{"block1.conv1.kernel", {2, 3, 4, 5}},
                     {"block1.conv1_bn.moving_variance", {2}},
                     {"block2.sepconv1.depthwise_kernel", {2, 3, 4, 1}},
                     {"dense.kernel", {4, 3}},
                     {"dense.bias", {3}}};

StoredTensors timm_xception(Int classes) {
  return {stored("conv1.weight", counted({5, 4, 2, 3})),
          stored("bn1.running_var", Tensor::of({2}, {1, 2}, DType::f64)),
          stored("bn1.num_batches_tracked", Tensor::zeros({})),
          stored("block1.rep.0.conv1.weight", counted({4, 1, 2, 3})),
          stored("fc.weight", counted({classes, 4})),
          stored("fc.bias", counted({classes}))};
}

const Slots vit{{"Transformer.encoderblock_0.MultiHeadDotProductAttention_1.query.kernel", {4, 4}},
                {"Transformer.encoderblock_0.MultiHeadDotProductAttention_1.query.bias", {4}},
                {"Transformer.encoderblock_0.MultiHeadDotProductAttention_1.key.kernel", {4, 4}},
                {"Transformer.encoderblock_0.MultiHeadDotProductAttention_1.key.bias", {4}},
                {"Transformer.encoderblock_0.MultiHeadDotProductAttention_1.out.kernel", {4, 4}},
                {"dense.bias", {3}}};

}  // namespace

TEST_CASE("timm's tensors get our names and axes; its counters are ignored") {
  WeightFile file = file_of(timm_xception(3));
  to_our_names(file, "xception", xception, 3);
  CHECK(file.dialect == "timm");
  const Match found = match(file, xception);
  CHECK(found.mapped.size() == 5);
  CHECK(found.transposed ==
        std::vector<std::string>{"block1.conv1.kernel", "block2.sepconv1.depthwise_kernel", "dense.kernel"});
  CHECK(found.unused.empty());
  CHECK(found.left_out.empty());

  const Tensor conv = read(file, "block1.conv1.kernel");  // [h,w,i,o] from [o,i,h,w]
  REQUIRE(conv.shape() == Shape{2, 3, 4, 5});
  for (Int h = 0; h < 2; ++h)
    for (Int w = 0; w < 3; ++w)
      for (Int i = 0; i < 4; ++i)
        for (Int o = 0; o < 5; ++o)
          CHECK(conv.at(((h * 3 + w) * 4 + i) * 5 + o) == static_cast<double>(((o * 4 + i) * 2 + h) * 3 + w));
  const Tensor depthwise = read(file, "block2.sepconv1.depthwise_kernel");
  REQUIRE(depthwise.shape() == Shape{2, 3, 4, 1});
  CHECK(depthwise.at((1 * 3 + 2) * 4 + 3) == (3 * 2 + 1) * 3 + 2);
  CHECK(read(file, "dense.kernel").at(1 * 3 + 2) == 2 * 4 + 1);
  // √(variance + 1e-5) there is √(variance + 1e-3) here.
  CHECK(read(file, "block1.conv1_bn.moving_variance").at(1) ==
        doctest::Approx(2 + 1e-5 - 1e-3).epsilon(1e-15));
}

TEST_CASE("a head for other classes is left out of another program's file, the base stays") {
  WeightFile file = file_of(timm_xception(1000));
  to_our_names(file, "xception", xception, 3);
  const Match found = match(file, xception);
  CHECK(filled(found, xception, 3, Extent::whole_or_base) == Filled::base);
  CHECK(found.left_out == std::vector<std::string>{"fc.weight [1000,4]", "fc.bias [1000]"});
  CHECK(found.missing == std::vector<std::string>{"dense.kernel", "dense.bias"});

  // What fits in part is no base.
  StoredTensors odd = timm_xception(3);
  odd[5] = stored("fc.bias", counted({4}));
  WeightFile mixed = file_of(odd);
  to_our_names(mixed, "xception", xception, 3);
  CHECK(match(mixed, xception).mismatched == std::vector<std::string>{"dense.bias [4] is [3] here"});
}

TEST_CASE("a tensor that cannot be cut as ours keeps its shape and is reported") {
  StoredTensors tensors = timm_xception(3);
  tensors[0] = stored("conv1.weight", counted({5, 4}));
  tensors[3] = stored("block1.rep.0.conv1.weight", counted({4, 1, 3, 2}));
  WeightFile file = file_of(tensors);
  to_our_names(file, "xception", xception, 3);
  CHECK(match(file, xception).mismatched ==
        std::vector<std::string>{"block1.conv1.kernel [5,4] is [2,3,4,5] here",
                                 "block2.sepconv1.depthwise_kernel [3,2,4,1] is [2,3,4,1] here"});
}

TEST_CASE("query, key and value are cut from one matrix") {
  WeightFile file = file_of({stored("blocks.0.attn.qkv.weight", counted({12, 4})),
                             stored("blocks.0.attn.qkv.bias", counted({12})),
                             stored("blocks.0.attn.proj.weight", counted({4, 4})),
                             stored("pre_logits.fc.weight", counted({4, 4}))});
  to_our_names(file, "vit_b16", vit, 5);
  CHECK(file.dialect == "timm");
  CHECK(match(file, vit).mapped.size() == 5);
  CHECK(file.left_out == std::vector<std::string>{"pre_logits.fc.weight [4,4]"});
  const Tensor key = read(file, vit[2].name);
  for (Int i = 0; i < 4; ++i)
    for (Int o = 0; o < 4; ++o) CHECK(key.at(i * 4 + o) == static_cast<double>((4 + o) * 4 + i));
  CHECK(read(file, vit[3].name).values() == std::vector<double>{4, 5, 6, 7});

  WeightFile odd = file_of({stored("blocks.0.attn.qkv.bias", counted({13}))});
  to_our_names(odd, "vit_b16", vit, 5);
  CHECK(match(odd, vit).mismatched.size() == 2);
}

TEST_CASE("JAX's heads lie on an axis of their own") {
  const std::string block = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/";
  WeightFile file = file_of(
      {stored(block + "query/kernel", counted({4, 2, 2})), stored(block + "query/bias", counted({2, 2})),
       stored(block + "out/kernel", counted({2, 2, 4})), stored(block + "key/bias", counted({2, 3}))});
  to_our_names(file, "vit_b16", vit, 5);
  CHECK(file.dialect == "jax");
  CHECK(match(file, vit).mapped.size() == 3);
  CHECK(match(file, vit).transposed.empty());
  CHECK(read(file, vit[0].name).shape() == Shape{4, 4});
  CHECK(match(file, vit).mismatched == std::vector<std::string>{vit[3].name + " [2,3] is [4] here"});
}

TEST_CASE("timm's EfficientNet brings ImageNet's input scaling") {
  const Slots slots{{"normalization.mean", {3}},
                    {"normalization.variance", {3}},
                    {"normalization.count", {}},
                    {"stem_conv.kernel", {3, 3, 3, 8}},
                    {"dense.kernel", {8, 3}}};
  WeightFile file = file_of({stored("conv_stem.weight", counted({8, 3, 3, 3}))});
  to_our_names(file, "efficientnetb0", slots, 4);
  CHECK(file.facts == Facts{{"input", "imagenet"}});
  CHECK(match(file, slots).mapped.size() == 4);
  CHECK(read(file, "normalization.variance").at(2) == doctest::Approx(0.225));
}

TEST_CASE("our names stay, whatever else is there") {
  WeightFile file = file_of({stored("block1.conv1.kernel", counted({2, 3, 4, 5})),
                             stored("dense.bias", counted({4})), stored("other", counted({1}))});
  to_our_names(file, "xception", xception, 3);
  CHECK(file.dialect.empty());
  CHECK(match(file, xception).unused == std::vector<std::string>{"other"});
  CHECK(match(file, xception).mismatched.size() == 1);  // a head of ours is never left out
}

TEST_CASE("legacy Keras files are read by position unless every name is known") {
  WeightFile file = file_of(
      {stored("conv2d_7/kernel:0", counted({2, 3, 4, 5})),
       stored("batch_normalization_9/moving_variance:0", counted({2})),
       stored("block2_sepconv1/depthwise_kernel:0", counted({2, 3, 4, 1})),
       stored("predictions/kernel:0", counted({4, 1000})), stored("predictions/bias:0", counted({1000}))},
      WeightFormat::legacy_h5);
  to_our_names(file, "xception", xception, 3);
  CHECK(filled(match(file, xception), xception, 3, Extent::whole_or_base) == Filled::base);
  CHECK(file.left_out.size() == 2);

  WeightFile named =
      file_of({stored("dense/bias:0", counted({3})), stored("dense/kernel:0", counted({4, 3}))},
              WeightFormat::legacy_h5);
  for (int twice = 0; twice < 2; ++twice) to_our_names(named, "xception", xception, 3);
  CHECK(match(named, xception).mapped.size() == 2);
}

TEST_CASE("our tensors go under timm's names, or nothing is made") {
  const Slots slots{
      {"normalization.mean", {3}}, {"stem_conv.kernel", {1, 2, 3, 4}}, {"other.kernel", {1, 1}}};
  const Dialect timm = dialect_named("timm", "efficientnetb0", slots);
  const StoredTensors ours{stored("normalization.mean", Tensor::of({3}, {0.485, 0.456, 0.406})),
                           stored("stem_conv.kernel", counted({1, 2, 3, 4}))};
  const StoredTensors theirs = to_their_names(ours, timm, {{"input", "imagenet"}});
  REQUIRE(theirs.size() == 1);
  CHECK(theirs[0].name == "conv_stem.weight");
  CHECK(theirs[0].shape == Shape{4, 3, 1, 2});
  const Tensor value = theirs[0].read();
  for (Int w = 0; w < 2; ++w)
    for (Int i = 0; i < 3; ++i)
      for (Int o = 0; o < 4; ++o)
        CHECK(value.at((o * 3 + i) * 2 + w) == static_cast<double>((w * 3 + i) * 4 + o));

  CHECK(error_of([&] {
          to_their_names(ours, timm, {{"input", "plain"}});
        }) ==
        "normalization.mean is not that of the plain form, and timm has no place for it; train on a base of "
        "that form, or keep our names");
  CHECK(error_of([&] {
          to_their_names({stored("other.kernel", counted({1, 1}))}, timm, {});
        }) == "timm has no place for tensor \"other.kernel\"; keep our names");
  CHECK(error_of([&] {
          to_their_names({stored(vit[1].name, counted({4}))}, dialect_named("timm", "vit_b16", vit), {});
        }) == "timm needs all parts of blocks.0.attn.qkv.bias, 1 of 3 are there");
}
