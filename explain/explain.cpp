#include "explain/explain.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "autograd/tape.h"
#include "explain/attention_rollout.h"
#include "explain/class_activation.h"
#include "explain/perturbation.h"
#include "layers/keras_names.h"
#include "ops/attention/attention.h"
#include "ops/softmax/softmax.h"
#include "report/metrics.h"
#include "tensor/out_of_memory.h"

namespace sonograd {
namespace {

// One class's entry of scores [1, classes], differentiated with respect to `wrt`.
Tensor gradient_of_class(Tape& tape, const Tensor& scores, Int target, const Tensor& wrt) {
  Tensor seed = Tensor::zeros(scores.shape(), scores.dtype(), scores.device());
  seed.slice(1, target, target + 1).fill(1);
  return tape.gradient(scores, {wrt}, {.cotangent = seed})[0];
}

// [1, 1 + height · width, channels]: a sequence of the model's tokens.
bool holds_grid(const Model& model, const Tensor& y) {
  const auto& grid = model.tokens();
  return grid && y.rank() == 3 && y.size(1) == 1 + grid->height * grid->width;
}

// Such a sequence as a map [1, height, width, channels], without the class token; a map as it is.
Tensor as_map(const Model& model, const Tensor& y) {
  if (!holds_grid(model, y)) return y;
  const TokenGrid& grid = *model.tokens();
  return y.slice(1, 1, y.size(1)).as_dense().reshaped({1, grid.height, grid.width, y.size(2)});
}

// The logits; `see` is given the output of the map's layer when it has been computed.
Tensor logits_past(const Model& model, const Tensor& image, const HeatMap& map,
                   const std::function<void(Tensor& y)>& see) {
  bool seen = false;
  Context context;
  context.fuse = false;
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (path != map.layer && keras_name(path) != map.layer) return;
    expect(y.rank() == 4 || holds_grid(model, y), "layer {}: its output {} has no height and width",
           map.layer, y.shape().text());
    see(y);
    seen = true;
  };
  Tensor logits = model.logits(image, context);
  expect(seen, "layer {}: {} has no such layer; `sonograd summary --model {}` lists them", map.layer,
         model.options().name, model.options().name);
  return logits;
}

// The output of the map's layer, [1, height, width, channels].
Tensor output_of(const Model& model, const Tensor& image, const HeatMap& map) {
  const NoGrad quiet;
  Tensor output;
  logits_past(model, image, map, [&](Tensor& y) { output = y; });
  return as_map(model, output);
}

struct Features {
  Tensor output;    // of the layer, [1, height, width, channels]
  Tensor gradient;  // of the class's logit or, for the notebook's variant, probability
};

// Runs the layers after the wanted one under a tape that watches its output.
Features features_of(const Model& model, const Tensor& image, const HeatMap& map, bool notebook) {
  Tape tape;
  Tensor output;
  const Tensor logits = logits_past(model, image, map, [&](Tensor& y) {
    tape.watch(y);
    output = y;
  });
  const Tensor gradient = gradient_of_class(tape, notebook ? softmax(logits) : logits, map.target, output);
  return {as_map(model, output), as_map(model, gradient)};
}

void set_size(HeatMap& map, const Tensor& like) {
  map.height = like.size(1);
  map.width = like.size(2);
}

using Draw = std::function<void(const Model&, const Tensor& image, const ExplainOptions&, HeatMap&)>;
struct Method {
  std::string name;
  bool reads_layer;  // one layer's output, which may be chosen
  Draw draw;
};

using DrawMap = std::function<std::vector<float>(const Activations&)>;

void draw_map(const Features& f, bool blank, const DrawMap& draw, HeatMap& map) {
  set_size(map, f.output);
  const Activations a{map.height * map.width, f.output.size(3), f.output.values(), f.gradient.values()};
  const bool none = std::all_of(a.gradient.begin(), a.gradient.end(), [](double g) { return g == 0; });
  expect(
      !none || blank,
      "layer {}: the class's score does not depend on its output, so there is no map; choose another layer",
      map.layer);
  map.values = none ? std::vector<float>(static_cast<std::size_t>(a.positions)) : draw(a);
}

Draw on_features(const DrawMap& draw) {
  return [draw](const Model& model, const Tensor& image, const ExplainOptions& options, HeatMap& map) {
    draw_map(features_of(model, image, map, false), options.blank, draw, map);
  };
}

void grad_cam(const Model& model, const Tensor& image, const ExplainOptions& options, HeatMap& map) {
  const auto draw = [&](const Activations& a) {
    return options.notebook ? notebook_cam_map(a) : grad_cam_map(a);
  };
  draw_map(features_of(model, image, map, options.notebook), options.blank, draw, map);
}

ClassScore logit_of(const Model& model, Int target) {
  return [&model, target](const Tensor& images) {
    const auto logits_of_first = [&](Int n) {
      const NoGrad quiet;
      Context context;
      return model.logits(images.slice(0, 0, n), context).values();
    };
    const std::vector<double> logits = within_memory(
        images.size(0), logits_of_first,
        fmt::format("; the method takes {} at once: choose another one, or smaller images", images.size(0)));
    const std::size_t classes = logits.size() / static_cast<std::size_t>(images.size(0));
    std::vector<double> scores;
    for (auto i = static_cast<std::size_t>(target); i < logits.size(); i += classes)
      scores.push_back(logits[i]);
    return scores;
  };
}

void score_cam(const Model& model, const Tensor& image, const ExplainOptions&, HeatMap& map) {
  const Tensor features = output_of(model, image, map);
  set_size(map, features);
  map.values = score_cam_map(image, features, logit_of(model, map.target));
}

void integrate(const Model& model, const Tensor& image, const ExplainOptions&, HeatMap& map) {
  const Int target = map.target;
  Attributions result = integrated_gradients(image, [&](Tensor point) {
    Tape tape;
    tape.watch(point);
    Context context;
    const Tensor logits = model.logits(point, context);
    const double score = logits.at(target);
    return std::pair(score, gradient_of_class(tape, logits, target, point));
  });
  set_size(map, image);
  map.values = std::move(result.map);
  map.incompleteness = result.incompleteness;
}

void occlude(const Model& model, const Tensor& image, const ExplainOptions&, HeatMap& map) {
  const Int window = std::max<Int>(1, image.size(1) / 8);
  set_size(map, image);
  map.values = occlusion_map(image, window, std::max<Int>(1, window / 2), logit_of(model, map.target));
}

// The probabilities of each attention layer, [1, heads, tokens, tokens], made again from q and k; `map` gets
// the size of the feature map whose positions the last one takes as tokens.
Tensors attentions_of(const Model& model, const Tensor& image, HeatMap& map) {
  Tensors attentions;
  std::string layer;
  const Observer observer([&](const Observation& seen) {
    if (seen.op.name != Attention::name) return;
    const Int heads = static_cast<const Attention*>(seen.call.attributes())->heads;
    attentions.push_back(attention_probabilities(seen.inputs[0], seen.inputs[1], heads));
    layer = seen.layer;
  });
  const NoGrad quiet;
  Context context;
  // Needed for a sequence too: while outputs are watched, each attention layer runs whole, as an op with all
  // its queries (layers/neighbours.h, layers/transformer.h).
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (path == layer && y.rank() == 4) set_size(map, y);
  };
  model.logits(image, context);
  return attentions;
}

// A transformer's class token reads the last layer, and what it owes to itself is left out. A feature map's
// attention has no residual connection around it, and its positions are read by their mean.
void roll_out(const Model& model, const Tensor& image, const ExplainOptions&, HeatMap& map) {
  const Tensors attentions = attentions_of(model, image, map);
  expect(!attentions.empty(), "{} has no attention layer to roll out; choose another method",
         model.options().name);
  const bool sequence = model.tokens().has_value();
  const auto tokens = static_cast<std::size_t>(attentions.back().size(3));
  std::vector<double> reader(tokens, sequence ? 0.0 : 1.0 / static_cast<double>(tokens));
  if (sequence) {
    map.height = model.tokens()->height;
    map.width = model.tokens()->width;
    reader[0] = 1;
  }
  const std::vector<double> read = attention_rollout(attentions, std::move(reader), sequence);
  map.values.assign(read.begin() + (sequence ? 1 : 0), read.end());
}

const std::vector<Method>& methods() {
  static const std::vector<Method> list = {
      {"gradcam", true, grad_cam},
      {"gradcam++", true, on_features(grad_cam_pp_map)},
      {"hirescam", true, on_features(hi_res_cam_map)},
      {"layercam", true, on_features(layer_cam_map)},
      {"scorecam", true, score_cam},
      {"rollout", false, roll_out},
      {"integrated-gradients", false, integrate},
      {"occlusion", false, occlude},
  };
  return list;
}

}  // namespace

const std::vector<std::string>& explanation_methods() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Method& method : methods()) list.push_back(method.name);
    return list;
  }();
  return names;
}

std::string last_feature_map(const Model& model, const Tensor& image, Int least_height) {
  if (model.tokens()) return model.tokens()->layer;
  const NoGrad quiet;
  std::string last;
  Context context;
  context.fuse = false;
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (y.rank() == 4 && y.size(1) >= least_height) last = path;
  };
  model.logits(image, context);
  return last;
}

HeatMap explain(const Model& model, const Tensor& image, const ExplainOptions& options) {
  expect(image.rank() == 4 && image.size(0) == 1, "explain takes one image [1, height, width, 3], got {}",
         image.shape().text());
  const auto method = std::find_if(methods().begin(), methods().end(),
                                   [&](const Method& entry) { return entry.name == options.method; });
  if (method == methods().end())
    throw UsageError("no method is called {}; there are {}", options.method,
                     fmt::join(explanation_methods(), ", "));
  if (!options.layer.empty() && !method->reads_layer)
    throw UsageError("{} looks at no single layer, so none can be chosen for it", method->name);
  if (options.notebook && method->name != "gradcam")
    throw UsageError("the notebook's variant is a form of gradcam; {} has none", method->name);
  return within_memory(1, [&](Int) {
    HeatMap map;
    map.probabilities = model.predict(image).values();
    map.predicted = argmax(map.probabilities);
    map.target = options.target < 0 ? map.predicted : options.target;
    expect(map.target < static_cast<Int>(map.probabilities.size()),
           "class {}: the model has {} classes, counted from 0", map.target, map.probabilities.size());
    if (method->reads_layer)
      map.layer = options.layer.empty() ? last_feature_map(model, image) : options.layer;
    method->draw(model, image, options, map);
    return map;
  });
}

}  // namespace sonograd
