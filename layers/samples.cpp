#include "layers/samples.h"

#include "layers/activation.h"
#include "layers/attention.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dense.h"
#include "layers/dense_block.h"
#include "layers/input_scaling.h"
#include "layers/pooling.h"
#include "layers/reshaped.h"
#include "layers/residual.h"
#include "layers/spectral_norm.h"
#include "layers/squeeze_excite.h"
#include "layers/tokens.h"
#include "layers/transformer.h"
#include "layers/upsampled_conv.h"

namespace sonograd {
namespace {

Chain conv_norm_swish() {
  Chain chain;
  chain.add("conv", conv({.in = 3, .out = 4, .kernel = 3}))
      .add("bn", batch_norm(4))
      .add("activation", ActivationLayer{Activation::swish});
  return chain;
}

Residual residual(double drop_rate) {
  Chain block;
  block.add("expand", conv({.in = 3, .out = 6}))
      .add("swish", ActivationLayer{Activation::swish})
      .add("project", conv({.in = 6, .out = 3}));
  return {block, drop_rate};
}

// Two layers of two channels each on three.
DenseBlock dense_block() {
  DenseBlock block{{}, 7};
  for (const Int in : {3, 5}) {
    Chain layer;
    layer.add("bn", batch_norm(in))
        .add("swish", ActivationLayer{Activation::swish})
        .add("conv", conv({.in = in, .out = 2, .kernel = 3}));
    block.children.push_back({fmt::format("layer{}", in), layer});
  }
  return block;
}

Residual residual_beside_conv() {
  Chain block, shortcut;
  block.add("expand", conv({.in = 3, .out = 4, .kernel = 3, .stride = 2}));
  shortcut.add("conv", conv({.in = 3, .out = 4, .stride = 2}));
  return {block, 0, shortcut};
}

// Values off the initialisers' zeros and ones, so that every parameter matters; statistics stay positive.
Tensor sample_values(const Parameter& parameter, DType dtype, const Random& random) {
  Tensor values = Tensor::empty(parameter.shape, dtype, Device::reference);
  initialise(values, parameter.init, random.at(0));
  Tensor noise = Tensor::empty(parameter.shape, dtype, Device::reference);
  initialise(noise, {Init::Kind::uniform, 0.3}, random.at(1));
  std::vector<double> sum = values.values();
  const std::vector<double> more = noise.values();
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  return Tensor::of(parameter.shape, sum, dtype, Device::reference);
}

}  // namespace

std::vector<LayerSample> layer_samples() {
  return {
      {"activation", ActivationLayer{Activation::swish}, {2, 3}},
      {"conv",
       conv({.in = 3, .out = 2, .kernel = 3, .stride = 2, .bias = true, .activation = Activation::swish}),
       {2, 4, 5, 3}},
      {"depthwise_conv", depthwise_conv(3, 3, 2), {2, 5, 4, 3}},
      {"batch_norm", batch_norm(3), {2, 3, 2, 3}},
      {"batch_norm_frozen", batch_norm(3), {2, 3, 2, 3}, false},
      {"dense", dense(5, 4, Activation::sigmoid), {3, 5}},
      {"input_scaling_plain", input_scaling(InputForm::plain), {2, 2, 2, 3}},
      {"input_scaling_imagenet", input_scaling(InputForm::imagenet), {2, 2, 2, 3}},
      {"pooling_average", GlobalPooling{Pooling::average}, {2, 3, 2, 4}},
      {"pooling_max", GlobalPooling{Pooling::max}, {2, 3, 2, 4}},
      {"squeeze_excite", squeeze_excite(6, 2), {2, 3, 3, 6}},
      {"attention", multi_head_attention(4, 2, 3, Keras::v3), {2, 2, 3, 4}},
      {"attention_inference", multi_head_attention(4, 2, 3, Keras::v2), {1, 2, 3, 4}, false},
      {"residual", residual(0), {2, 2, 2, 3}},
      {"residual_drop_connect", residual(0.5), {4, 2, 2, 3}},
      {"residual_shortcut", residual_beside_conv(), {2, 3, 4, 3}},
      {"separable_conv", separable_conv(3, 4, 3), {2, 4, 3, 3}},
      {"conv_valid", conv({.in = 2, .out = 3, .kernel = 3, .stride = 2, .pad = valid}), {2, 5, 6, 2}},
      {"upsampled_conv", UpsampledConv{conv({.in = 2, .out = 3, .kernel = 3, .bias = true})}, {2, 3, 2, 2}},
      {"window_max",
       WindowPooling{Pooling::max, {.size = {3, 3}, .stride = {2, 2}, .pad = same}},
       {2, 5, 4, 3}},
      {"window_average", WindowPooling{}, {2, 5, 4, 3}},
      {"dense_block", dense_block(), {2, 3, 2, 3}},
      {"dense_block_frozen", dense_block(), {2, 3, 2, 3}, false},
      {"layer_norm", layer_normalization(5), {2, 3, 5}},
      {"dropout", DropoutLayer{0.5}, {4, 5}},
      {"reshaped", Reshaped{{2, 3}}, {2, 6}},
      // Kernels of one column or one row: their norm's estimate is exact, so taking v and u' as constants is.
      {"spectral_norm_column", SpectralNorm(dense(5, 1)), {3, 5}},
      {"spectral_norm_row", SpectralNorm(conv({.in = 1, .out = 3, .bias = true})), {2, 3, 2, 1}},
      {"tokens", Tokens{}, {2, 2, 3, 4}},
      {"class_token", class_token(4), {2, 3, 4}},
      {"position_embedding", position_embedding(3, 4, 0.5), {2, 3, 4}},
      {"extract_token", ExtractToken{}, {2, 3, 4}},
      {"self_attention", transformer_block(6, 2, 8, 0).attention, {2, 4, 6}},
      {"transformer_block", transformer_block(6, 2, 8, 0.5), {2, 4, 6}},
      {"transformer_block_inference", transformer_block(6, 2, 8, 0.5), {2, 4, 6}, false},
      {"chain", conv_norm_swish(), {2, 3, 3, 3}},
      {"chain_frozen", conv_norm_swish(), {2, 3, 3, 3}, false},
  };
}

Differentiable differentiable(std::vector<std::pair<std::string, Parameter*>> parameters, const Tensor& x,
                              bool training, std::function<Tensor(const Tensor& x, Context& context)> call) {
  Differentiable result{{}, {x}, {.names = {"x"}, .f32 = x.dtype() == DType::f32}};
  for (const auto& [name, parameter] : parameters) {
    if (parameter->role == Parameter::Role::statistic)
      result.options.constant.push_back(static_cast<int>(result.inputs.size()));
    result.options.names.push_back(name);
    result.inputs.push_back(parameter->value);
  }
  result.function = [parameters = std::move(parameters), call = std::move(call),
                     training](const Tensors& inputs) {
    for (std::size_t k = 0; k < parameters.size(); ++k) parameters[k].second->value = inputs[k + 1];
    Context context{.training = training, .random = Random(5, "gradcheck")};
    return Tensors{call(inputs[0], context)};
  };
  return result;
}

GradcheckResult check_layer(const LayerSample& sample, bool f32) {
  const DType dtype = f32 ? DType::f32 : DType::f64;
  std::vector<std::pair<std::string, Parameter*>> parameters;
  sample.layer.visit([&](const std::string& path, Parameter& parameter) {
    parameter.value = sample_values(parameter, dtype, Random(3, sample.name + path));
    parameters.emplace_back(path, &parameter);
  });
  Tensor x = Tensor::empty(sample.input, dtype, Device::reference);
  initialise(x, {Init::Kind::normal, 1}, Random(4, sample.name));
  const Differentiable d =
      differentiable(std::move(parameters), x, sample.training,
                     [&](const Tensor& in, Context& context) { return sample.layer(in, context); });
  return gradcheck(d.function, d.inputs, d.options);
}

}  // namespace sonograd
