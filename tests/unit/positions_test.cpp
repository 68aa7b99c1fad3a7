#include "models/weights/positions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/weights/dialect.h"
#include "models/weights/match.h"
#include "tests/error_of.h"
#include "tests/golden/formula.h"

using namespace sonograd;

namespace {

Tensor formula_positions(Int side) {
  const Shape shape{1, 1 + side * side, 2};
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(2 * golden::draw(5, static_cast<std::uint32_t>(i)) - 1);
  return Tensor::of(shape, values);
}

}  // namespace

TEST_CASE("position embeddings are resized as vit-keras does it") {
  const auto golden =
      nlohmann::json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/timm.json"))["positions"];
  REQUIRE(golden.size() == 4);
  for (const auto& grid : golden) {
    const Int from = grid["from"], to = grid["to"];
    CAPTURE(from);
    CAPTURE(to);
    const std::vector<double> theirs = grid["values"];
    const std::vector<double> ours = resized_positions(formula_positions(from), {1, 1 + to * to, 2}).values();
    REQUIRE(ours.size() == theirs.size());
    double difference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i)
      difference = std::max(difference, std::abs(ours[i] - theirs[i]));
    CHECK(difference <= 1e-7);
  }
}

TEST_CASE("a file for another image size is told of; what is no square grid is a wrong shape") {
  const std::string name = "Transformer.posembed_input.pos_embedding";
  const Slots slots{{name, {1, 5, 2}}};
  WeightFile file{"w", WeightFormat::safetensors, {stored("pos_embed", formula_positions(3))}, {}};
  to_our_names(file, "vit_b16", slots, 1);
  const Match found = match(file, slots);
  CHECK(found.mapped.size() == 1);
  CHECK(found.resized == std::vector<std::string>{name + " [1,10,2] to [1,5,2]"});
  CHECK(file.tensors[0].read().values() == resized_positions(formula_positions(3), {1, 5, 2}).values());

  for (const Shape& shape : {Shape{1, 6, 2}, Shape{1, 5, 3}, Shape{1, 1, 2}, Shape{5, 2}}) {
    WeightFile odd{"w", WeightFormat::safetensors, {stored(name, Tensor::zeros(shape))}, {}};
    to_our_names(odd, "vit_b16", slots, 1);
    CHECK(match(odd, slots).mismatched.size() == 1);
  }
  CHECK(error_of([] {
          resized_positions(Tensor::zeros({1, 6, 2}), {1, 5, 2});
        }) ==
        "a position embedding [1,6,2] cannot be resized to [1,5,2]: both must be a class token and a square "
        "grid");
}
