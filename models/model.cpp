#include "models/model.h"

#include "ops/softmax/softmax.h"
#include "tensor/out_of_memory.h"

namespace sonograd {

Model::Model(ModelOptions options, Chain base_layers, Chain head_layers, std::optional<TokenGrid> tokens)
    : options_(std::move(options)),
      base_(std::move(base_layers)),
      head_(std::move(head_layers)),
      tokens_(std::move(tokens)) {
  base_.visit([&](const std::string&, Parameter&) { ++base_count_; });
}

Tensor Model::logits(const Tensor& images, Context& context) const {
  return classify(features(images, context), context);
}

Tensor Model::features(const Tensor& images, Context& context) const {
  expect(images.rank() == 4 && images.size(3) == 3, "{}: images must be [n, height, width, 3], got {}",
         options_.name, images.shape().text());
  return base_(preprocess(images, options_.preprocess), context);
}

Tensor Model::classify(const Tensor& features, Context& context) const {
  return head_(features, context);
}

Tensor Model::predict(const Tensor& images) const {
  const NoGrad quiet;
  Context context;
  return softmax(logits(images, context));
}

template <class P>
static std::vector<Named<P>> parameters_of(const Layer& base, const Layer& head) {
  std::vector<Named<P>> list;
  const auto collect = [&](const std::string& path, Parameter& parameter) {
    list.push_back({path, &parameter});
  };
  base.visit(collect);
  head.visit(collect);
  return list;
}

std::vector<NamedParameter> Model::parameters() {
  return parameters_of<Parameter>(base_, head_);
}

std::vector<Named<const Parameter>> Model::parameters() const {
  return parameters_of<const Parameter>(base_, head_);
}

void Model::allocate(DType dtype, Device device) {
  for (const NamedParameter& p : parameters())
    p.parameter->value =
        allocating([&] { return p.name; }, [&] { return Tensor::empty(p.parameter->shape, dtype, device); });
}

void Model::initialise(const Random& random, DType dtype, Device device) {
  allocate(dtype, device);
  const Random stream = random.stream("init");
  for (const auto& [name, parameter] : parameters())
    sonograd::initialise(parameter->value, parameter->init, stream.stream(name));
}

void Model::convert(DType dtype, Device device) {
  for (const NamedParameter& p : parameters())
    p.parameter->value =
        allocating([&] { return p.name; }, [&] { return p.parameter->value.to(dtype).to(device); });
}

Int count_elements(const std::vector<NamedParameter>& parameters, bool (*counts)(const Parameter&)) {
  Int total = 0;
  for (const auto& [name, parameter] : parameters)
    if (counts(*parameter)) total += parameter->shape.elements();
  return total;
}

void freeze_for(Model& model, TrainingPhase phase) {
  const auto parameters = model.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Parameter& p = *parameters[i].parameter;
    const bool is_head = i >= model.base_parameters();
    p.trainable = phase == TrainingPhase::scratch || (phase == TrainingPhase::transfer && is_head) ||
                  (phase == TrainingPhase::finetune && p.role == Parameter::Role::weight);
  }
}

}  // namespace sonograd
