#include "models/keras_config.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "layers/activation.h"
#include "layers/attention.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dense.h"
#include "layers/dense_block.h"
#include "layers/keras_names.h"
#include "layers/pooling.h"
#include "layers/residual.h"
#include "layers/squeeze_excite.h"

namespace sonograd {
namespace {

using json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

json pair(Pair size) {
  return {size.height, size.width};
}

const char* activation_name(Activation activation) {
  constexpr const char* names[] = {"linear", "relu", "leaky_relu", "sigmoid", "tanh", "silu", "gelu"};
  return names[static_cast<int>(activation)];
}

// A reference to the output of a layer. Keras goes by its name and does not look at the shape.
json output_of(const std::string& layer) {
  return {{"class_name", "__keras_tensor__"},
          {"config",
           {{"shape", json::array({nullptr})}, {"dtype", "float32"}, {"keras_history", {layer, 0, 0}}}}};
}

// Keras' layers in the order of our model's, each reading `last`, the one before, unless it says otherwise.
class Graph {
 public:
  explicit Graph(Int image_size) {
    put("InputLayer", "input_layer",
        {{"batch_shape", {nullptr, image_size, image_size, 3}}, {"dtype", "float32"}}, json::array());
  }

  void add(const std::string& path, const Layer& layer) {
    const bool known = add_if<Chain>(path, layer) || add_if<Conv>(path, layer) ||
                       add_if<DepthwiseConv>(path, layer) || add_if<SeparableConv>(path, layer) ||
                       add_if<BatchNorm>(path, layer) || add_if<ActivationLayer>(path, layer) ||
                       add_if<Dense>(path, layer) || add_if<GlobalPooling>(path, layer) ||
                       add_if<WindowPooling>(path, layer) || add_if<InputScaling>(path, layer) ||
                       add_if<Residual>(path, layer) || add_if<SqueezeExcite>(path, layer) ||
                       add_if<DenseBlock>(path, layer) || add_if<MultiHeadAttention>(path, layer);
    expect(known, "{} is a {}, which is no layer of Keras' own; write a .weights.h5 for its load_weights",
           path, layer.kind());
  }

  json config(const std::string& name) {
    layers.back()["config"]["activation"] = "softmax";
    const json input = {"input_layer", 0, 0}, output = {last, 0, 0};
    return {{"module", "keras.src.models.functional"},
            {"class_name", "Functional"},
            {"config",
             {{"name", name},
              {"trainable", true},
              {"layers", layers},
              {"input_layers", {input}},
              {"output_layers", {output}}}},
            {"registered_name", "Functional"}};
  }

 private:
  json layers = json::array();
  std::string last;

  void put(const char* kind, std::string name, json config, json arguments) {
    name = keras_name(std::move(name));
    config["name"] = name;
    json nodes = json::array();
    if (!arguments.empty()) nodes.push_back({{"args", std::move(arguments)}, {"kwargs", json::object()}});
    layers.push_back({{"module", "keras.layers"},
                      {"class_name", kind},
                      {"config", std::move(config)},
                      {"registered_name", nullptr},
                      {"name", name},
                      {"inbound_nodes", std::move(nodes)}});
    last = std::move(name);
  }
  void put(const char* kind, const std::string& path, json config) {
    put(kind, path, std::move(config), json::array({output_of(last)}));
  }
  // A layer that takes a list of tensors.
  void join(const char* kind, const std::string& path, const Names& inputs) {
    json list = json::array();
    for (const std::string& input : inputs) list.push_back(output_of(input));
    put(kind, path, json::object(), json::array({std::move(list)}));
  }

  template <class L>
  bool add_if(const std::string& path, const Layer& layer) {
    const L* const record = layer.get_if<L>();
    if (record) add(path, *record);
    return record != nullptr;
  }
  static std::string below(const std::string& path, const std::string& name) {
    return path + (path.empty() || name.empty() ? "" : ".") + name;
  }

  // Padding by a rule is told by the rule's name; else zeros are put around first, and the rule is `valid`.
  const char* padding(const std::string& path, const Padding& pad) {
    if (pad.rule != Padding::Rule::given) return pad.rule == Padding::Rule::same ? "same" : "valid";
    put("ZeroPadding2D", path + "_pad", {{"padding", {{pad.top, pad.bottom}, {pad.left, pad.right}}}});
    return "valid";
  }

  void add(const std::string& path, const Chain& chain) {
    for (const Chain::Child& child : chain.layers()) add(below(path, child.name), child.layer);
  }
  void add(const std::string& path, const Conv& conv) {
    const Shape& kernel = conv.kernel.shape;
    const char* const pad = padding(path, conv.op.pad);
    put("Conv2D", path,
        {{"filters", kernel[3]},
         {"kernel_size", {kernel[0], kernel[1]}},
         {"strides", pair(conv.op.stride)},
         {"padding", pad},
         {"activation", activation_name(conv.activation)},
         {"use_bias", conv.bias.has_value()}});
  }
  void add(const std::string& path, const DepthwiseConv& conv) {
    const char* const pad = padding(path, conv.op.pad);
    put("DepthwiseConv2D", path,
        {{"kernel_size", {conv.kernel.shape[0], conv.kernel.shape[1]}},
         {"strides", pair(conv.op.stride)},
         {"padding", pad},
         {"use_bias", false}});
  }
  void add(const std::string& path, const SeparableConv& conv) {
    put("SeparableConv2D", path,
        {{"filters", conv.pointwise.shape[3]},
         {"kernel_size", {conv.depthwise.shape[0], conv.depthwise.shape[1]}},
         {"padding", "same"},
         {"use_bias", false}});
  }
  void add(const std::string& path, const BatchNorm& norm) {
    put("BatchNormalization", path, {{"momentum", norm.momentum}, {"epsilon", norm.epsilon}});
  }
  void add(const std::string& path, const ActivationLayer& layer) {
    put("Activation", path, {{"activation", activation_name(layer.activation)}});
  }
  void add(const std::string& path, const Dense& dense) {
    put("Dense", path, {{"units", dense.kernel.shape[1]}, {"activation", activation_name(dense.activation)}});
  }
  void add(const std::string& path, const GlobalPooling& layer) {
    put(layer.pooling == Pooling::average ? "GlobalAveragePooling2D" : "GlobalMaxPooling2D", path,
        json::object());
  }
  void add(const std::string& path, const WindowPooling& layer) {
    const char* const pad = padding(path, layer.windows.pad);
    put(layer.pooling == Pooling::average ? "AveragePooling2D" : "MaxPooling2D", path,
        {{"pool_size", pair(layer.windows.size)}, {"strides", pair(layer.windows.stride)}, {"padding", pad}});
  }
  void add(const std::string& path, const InputScaling& scaling) {
    put("Rescaling", below(path, "rescaling"), {{"scale", 1 / 255.0}, {"offset", 0.0}});
    put("Normalization", below(path, "normalization"), {{"axis", {3}}});
    if (scaling.form == InputForm::plain) return;
    json factors = json::array();
    for (const double deviation : imagenet_deviation) factors.push_back(1 / std::sqrt(deviation));
    put("Rescaling", below(path, "rescaling_1"), {{"scale", factors}, {"offset", 0.0}});
  }
  void add(const std::string& path, const SqueezeExcite& layer) {
    const std::string x = last;
    put("GlobalAveragePooling2D", below(path, "se_squeeze"), {{"keepdims", true}});
    add(below(path, "se_reduce"), layer.reduce);
    add(below(path, "se_expand"), layer.expand);
    join("Multiply", below(path, "se_excite"), {x, last});
  }
  void add(const std::string& path, const Residual& layer) {
    const std::string x = last;
    add(path, layer.block);
    if (layer.drop_rate > 0)
      put("Dropout", below(path, "drop"), {{"rate", layer.drop_rate}, {"noise_shape", {nullptr, 1, 1, 1}}});
    const std::string y = std::exchange(last, x);
    add(path, layer.shortcut);
    join("Add", below(path, layer.name), {y, last});
  }
  void add(const std::string& path, const DenseBlock& block) {
    for (const DenseBlock::Child& child : block.children) {
      const std::string x = last;
      add(below(path, child.name), child.layers);
      join("Concatenate", below(path, child.name + ".concat"), {x, last});
    }
  }
  void add(const std::string& path, const MultiHeadAttention& layer) {
    const json x = output_of(last);
    put("MultiHeadAttention", path,
        {{"num_heads", layer.heads}, {"key_dim", layer.size}, {"dropout", layer.dropout.rate}},
        json::array({x, x}));
  }
};

}  // namespace

std::string keras_config(const Model& model) {
  Graph graph(model.options().image_size);
  graph.add("", model.base());
  graph.add("", model.head());
  return graph.config(model.options().name).dump();
}

}  // namespace sonograd
