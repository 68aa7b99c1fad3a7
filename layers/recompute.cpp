#include "layers/recompute.h"

#include <algorithm>

#include "autograd/tape.h"
#include "autograd/tape_op.h"
#include "layers/residual.h"
#include "layers/transformer.h"

namespace sonograd {
namespace {

using Parameters = std::vector<Parameter*>;

// Other values for parameters, until the end of the scope.
class Swapped {
 public:
  Swapped(const Parameters& parameters, const Tensors& values) : parameters(parameters) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      before.push_back(parameters[i]->value);
      parameters[i]->value = values[i];
    }
  }
  ~Swapped() {
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i]->value = before[i];
  }
  Swapped(const Swapped&) = delete;
  Swapped& operator=(const Swapped&) = delete;

 private:
  const Parameters& parameters;
  Tensors before;
};

// A layer as an op of x and its parameters, for the tape alone: its forward pass has run when it is recorded.
class Recompute final : public TapeOp {
 public:
  Recompute(Layer layer, Context context, Parameters parameters)
      : layer(std::move(layer)), context(std::move(context)), parameters(std::move(parameters)) {}

  std::string_view name() const override { return "recompute"; }
  bool saves_input(int, const std::vector<bool>&) const override { return true; }

  Tensors vjp(const Vjp& at) const override {
    expect(std::none_of(at.inputs.begin(), at.inputs.end(), [](const Tensor& x) { return x.tape(); }),
           "recompute: the gradients of a recomputed block cannot be differentiated; turn recompute off");
    Tape tape;
    Tensors inputs = at.inputs, wrt;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!at.wanted[i]) continue;
      tape.watch(inputs[i]);
      wrt.push_back(inputs[i]);
    }
    const Swapped watched(parameters, {inputs.begin() + 1, inputs.end()});
    Context again = context;
    Tensor y;
    {
      const Recording recording;
      const Deferring unread(context.across == nullptr);  // which sums values as it runs
      y = layer(inputs[0], again);
    }
    const Tensors gradients = tape.gradient(y, wrt, {.cotangent = at.dy()});

    Tensors all(inputs.size());
    auto next = gradients.begin();
    for (std::size_t i = 0; i < all.size(); ++i)
      if (at.wanted[i]) all[i] = *next++;
    return all;
  }

 private:
  Layer layer;
  Context context;
  Parameters parameters;  // those that a tape knows
};

}  // namespace

Tensor recomputed(const Layer& layer, const Tensor& x, Context& context) {
  static const OpEntry entry{.equation = "y = layer(x)", .name = "recompute"};
  Parameters watched;
  Tensors inputs{x};
  layer.visit([&](const std::string&, Parameter& parameter) {
    if (!parameter.value.tape()) return;
    watched.push_back(&parameter);
    inputs.push_back(parameter.value);
  });
  const bool known = x.tape() || !watched.empty();
  if (!known || !is_recording() || context.on_output) return layer(x, context);

  Context inner = context;
  inner.recompute = false;
  inner.updates.clear();
  const auto call = std::make_shared<Recompute>(layer, inner, std::move(watched));
  Tensors outputs(1);
  {
    const NoGrad quiet;
    outputs[0] = layer(x, inner);
  }
  context.updates.insert(context.updates.end(), inner.updates.begin(), inner.updates.end());
  record_call(call, entry, inputs, outputs);
  return outputs[0];
}

bool is_block(const Layer& layer) {
  return layer.get_if<Chain>() || layer.get_if<Residual>() || layer.get_if<TransformerBlock>();
}

}  // namespace sonograd
