#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/file.h"
#include "models/model_file.h"
#include "models/weights/dialect.h"
#include "models/weights/match.h"
#include "models/zoo.h"
#include "tests/golden/formula.h"
#include "tests/models/parity.h"

using namespace sonograd;
using namespace sonograd::golden;

namespace {

// The formula of scripts/golden_timm.py.
Tensor timm_weight(std::uint32_t key, const std::string& name, const Shape& shape) {
  const bool weight = name.ends_with("weight"), positive = name.ends_with("running_var") || shape.rank() == 1;
  double scale = 0.2, shift = -0.1;
  if (name.ends_with("running_var") || (weight && positive)) {
    scale = 1, shift = 0.5;
  } else if (weight) {
    const double limit = std::sqrt(6.0 / static_cast<double>(shape.elements() / shape[0]));
    scale = 2 * limit, shift = -limit;
  }
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(shift + scale * draw(key, static_cast<std::uint32_t>(i)));
  return Tensor::of(shape, values);
}

// A file as timm writes it for this model: every tensor under timm's name and with its axes.
WeightFile timm_file(const Model& model) {
  StoredTensors empty;
  const Dialect timm = dialect_named("timm", model.options().name, slots_of(model));
  for (const NameRow& row : timm.rows) empty.push_back(stored(row.name, Tensor::zeros(row.shape)));
  StoredTensors theirs = to_their_names(empty, timm, {});
  std::sort(theirs.begin(), theirs.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (std::size_t key = 0; key < theirs.size(); ++key)
    theirs[key] = stored(theirs[key].name,
                         timm_weight(static_cast<std::uint32_t>(key), theirs[key].name, theirs[key].shape));
  return {"timm.safetensors", WeightFormat::safetensors, std::move(theirs), {}};
}

}  // namespace

TEST_CASE("timm's weights give timm's logits, and go back as they came") {
  const json golden = json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/timm.json"));
  for (const json& network : golden["networks"]) {
    INFO(network["model"].get<std::string>());
    const bool scales = network["model"] == "efficientnetb0";
    Model model = make_model({.name = network["model"],
                              .image_size = network["size"],
                              .input = scales ? InputForm::imagenet : InputForm::plain});
    const WeightFile file = timm_file(model);
    const Loaded loaded = load_values(model, file);
    CHECK(loaded.match.unused.empty());

    const NoGrad quiet;
    Context context;
    const json facts{{"batch", 2}, {"size", network["size"]}};
    const Batch batch = formula_batch(facts);
    const std::vector<double> ours = model.logits(batch.images, context).values(), theirs = network["logits"];
    double largest = 0;
    for (const double logit : theirs) largest = std::max(largest, std::abs(logit));
    Parity({{"model", network["model"]}, {"framework", golden["framework"]}}, facts, "logits", DType::f32,
           Device::cpu)
        .check(ours, theirs, largest, 2e-5 * largest);

    StoredTensors tensors;
    for (const auto& [name, parameter] : model.parameters())
      tensors.push_back(stored(name, parameter->value));
    const Dialect timm = dialect_named("timm", model.options().name, slots_of(model));
    StoredTensors back = to_their_names(tensors, timm, {});
    REQUIRE(back.size() == file.tensors.size());
    std::sort(back.begin(), back.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (std::size_t i = 0; i < back.size(); ++i) {
      CAPTURE(back[i].name);
      const std::vector<double> now = back[i].read().values(), before = file.tensors[i].read().values();
      REQUIRE(now.size() == before.size());
      double moved = 0;
      for (std::size_t j = 0; j < now.size(); ++j) moved = std::max(moved, std::abs(now[j] - before[j]));
      CHECK(moved <= (back[i].name.ends_with("running_var") ? 2e-7 : 0));
    }
  }
}
