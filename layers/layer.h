#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/apply.h"
#include "base/keras.h"
#include "layers/init.h"
#include "layers/moving_average.h"
#include "tensor/precision.h"

namespace sonograd {

// Numbers that a layer owns. Shape and initialiser are known when the layer is made; the values are there
// once the model's parameters were initialised or loaded.
struct Parameter {
  enum class Role {
    weight,  // trained
    norm,    // gamma and beta of a normalisation layer: trained, but frozen in the paper's fine-tuning phase
    statistic,  // moving averages and input statistics: never trained
  };
  Shape shape;
  Init init;
  Role role = Role::weight;
  bool trainable = true;
  Tensor value = {};

  bool trains() const { return trainable && role != Role::statistic; }
};

struct Across;  // layers/across.h

// How a model is run: everything that is not the input or the weights. Randomness and mode come in here and
// nowhere else.
struct Context {
  bool training = false;  // batch norms that train use batch statistics; dropout and drop-connect are active
  bool dropout = true;    // false turns dropout and drop-connect off in training as well
  Keras keras = Keras::v3;                   // whose rule for the moving variance
  std::optional<double> norm_momentum = {};  // of the norms' moving averages, in place of the layers' own
  Random random{0};                          // dropout's stream, at the update's number
  Int first_sample = 0;                   // number of the batch's first image in the run: dropout draws by it
  Precision precision = Precision::full;  // of the products with weights
  bool fuse = true;                       // run neighbours together, see layers/neighbours.h
  bool recompute = false;          // keep of a block its input alone for backward, see layers/recompute.h
  const Across* across = nullptr;  // batch norms that train use the images of all these processes
  std::vector<MovingUpdate> updates = {};
  // Sees each named layer's output, in order, and may replace it (Grad-CAM watches it so). A norm that an
  // activation follows is shown only where fuse is off; else the two run as one op, whose output is shown as
  // the activation's.
  std::function<void(const std::string& path, Tensor& y)> on_output = {};

  bool drops() const { return training && dropout; }
};

// Names parameters: layers call it with their own names, chains put their children's names before.
using Visit = std::function<void(const std::string& path, Parameter& parameter)>;

// clang-format off
// A layer is a record with
//
//   static constexpr auto kind = "Conv";                  the record's own name, for messages and samples
//   Tensor operator()(const Tensor& x, Context&) const;   or takes Tensor x, which it may write over where
//                                                         nothing else holds it (apply_over)
//   void visit(const Visit&);                             names its parameters; left out where there are none
//
// A Layer holds any such record; copies share it.
// clang-format on
class Layer {
 public:
  template <class L>
  requires(!std::is_same_v<std::remove_cvref_t<L>, Layer>) Layer(L layer)
      : self(std::make_shared<Holder<L>>(std::move(layer))) {}

  Tensor operator()(Tensor x, Context& context) const { return self->call(std::move(x), context); }
  void visit(const Visit& visit) const { self->visit(visit); }
  std::string_view kind() const { return self->kind(); }
  template <class L>
  const L* get_if() const {
    const auto* const holder = dynamic_cast<const Holder<L>*>(self.get());
    return holder ? &holder->layer : nullptr;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Tensor call(Tensor x, Context& context) const = 0;
    virtual void visit(const Visit& visit) = 0;
    virtual std::string_view kind() const = 0;
  };
  template <class L>
  struct Holder final : Interface {
    explicit Holder(L layer) : layer(std::move(layer)) {}
    Tensor call(Tensor x, Context& context) const override { return layer(std::move(x), context); }
    void visit(const Visit& visit) override {
      if constexpr (requires { layer.visit(visit); }) layer.visit(visit);
    }
    std::string_view kind() const override { return L::kind; }
    L layer;
  };
  std::shared_ptr<Interface> self;
};

// The visitor that puts `name.` before every path; an empty name adds nothing.
Visit under(const std::string& name, const Visit& visit);

// Runs a layer under its name: errors and observers see the path, the context's hook sees the output.
Tensor run_named(const std::string& name, const Layer& layer, Tensor x, Context& context);
void show_output(const std::string& name, Tensor& y,
                 Context& context);  // the hook alone, for an output that a fused op made

}  // namespace sonograd
