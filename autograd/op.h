#pragma once
#include <array>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tensor/view.h"

namespace sonograd {

// What a vector-Jacobian product is given: the inputs and outputs of the call (those that the op declared it
// would need carry data, the others only their shape) and the cotangent of each output. A cotangent is
// undefined where the loss does not depend on that output; at least one is defined.
struct Vjp {
  const Tensors& inputs;
  const Tensors& outputs;
  const Tensors& cotangents;
  const std::vector<bool>& wanted;  // per input: is its gradient asked for

  const Tensor& x(int input = 0) const { return inputs[static_cast<std::size_t>(input)]; }
  const Tensor& y(int output = 0) const { return outputs[static_cast<std::size_t>(output)]; }
  const Tensor& dy(int output = 0) const { return cotangents[static_cast<std::size_t>(output)]; }
  bool wants(int input) const { return wanted[static_cast<std::size_t>(input)]; }
};

// An op as the tape and the registry see it: a name, a shape rule, a reference kernel, a vjp. Op authors
// write a plain struct (see OpOf below) and never this interface.
class AnyOp {
 public:
  virtual ~AnyOp() = default;
  virtual std::string_view name() const = 0;
  virtual Shapes shapes(
      const Shapes& inputs) const = 0;  // of the outputs; throws Error where the rule is broken
  virtual void reference(const Tensors& inputs, Tensors& outputs) const = 0;  // all but view ops
  virtual Tensors vjp(const Vjp& at) const = 0;  // one per input; may be undefined where not wanted
  virtual bool is_view() const = 0;
  virtual Tensor view(const Tensors& inputs) const = 0;                            // view ops alone
  virtual bool saves_input(int input, const std::vector<bool>& wanted) const = 0;  // wanted: see Vjp
  virtual bool saves_output(int output) const = 0;
  virtual bool can_make_again() const { return false; }  // whether this call can make its output by again()
  virtual Tensor again(const Vjp&) const {
    throw Error("{} does not say how to make its output again", name());
  }
  virtual Int macs(const Tensors& inputs, const Tensors& outputs) const = 0;  // multiply-adds of one call
  virtual const void* attributes() const = 0;  // the op struct, for its fast kernels
};

// clang-format off
// The op struct O has
//   static constexpr auto name = "conv2d";
//   static constexpr std::array arguments{"x", "w"};    names of the inputs, used in errors; left out: any number
//   static constexpr std::array results{"y", "mean"};   names of the outputs; left out: one
//   static constexpr Saves saves{…};                    what vjp reads; left out: all inputs, no output; with any
//                                                       number of inputs, the first one's word goes for all
//   bool reads(int input, const std::vector<bool>& wanted) const;    for inputs that only some attributes or
//                                                                    some wanted gradients need; left out: all
//   Shape shape(const Shape& x, const Shape& w) const;
//       returns Shapes where there are several outputs; takes `const Shapes&` with any number of inputs
//   void reference(auto x, auto w, auto y) const;
//       View<const T> of each input, View<T> of each output, T f32 or f64; with any number of inputs
//       std::vector<View<const T>>
//   Tensors vjp(const Vjp& at) const;                   left out by an op whose gradient nothing asks for
//   Tensor again(const Vjp& at) const;                  the first output once more, bit for bit, from the inputs and
//                                                       what vjp reads of the outputs: an op that takes a pass over
//                                                       memory says so, and the tape keeps its output for nobody;
//                                                       with an attribute `bool make_again`, of calls that set it alone
//   static constexpr bool overwrites = true;            the output may be the first input's own elements
//   Int macs(const Shape& x, const Shape& w, const Shape& y) const;   multiply-adds; left out: not counted
// A view op has `Tensor view(const Tensor& x) const` in place of `reference`, with a Tensor for each input; its
// output shares storage with an input.
// clang-format on
struct Saves {
  static constexpr std::size_t most_inputs = 6;
  std::array<bool, most_inputs> inputs{true, true, true, true, true, true};
  static constexpr std::size_t most_outputs = 3;
  std::array<bool, most_outputs> outputs{false, false, false};
};

namespace detail {

template <class O>
concept HasArguments = requires {
  O::arguments.size();
};
template <class O>
concept HasResults = requires {
  O::results.size();
};
template <class O>
concept HasSaves = requires {
  O::saves.inputs;
};
template <class O>
concept HasReads = requires(const O& op, const std::vector<bool>& wanted) {
  op.reads(0, wanted);
};
template <class O>
concept HasVjp = requires(const O& op, const Vjp& at) {
  op.vjp(at);
};
template <class O>
concept HasAgain = requires(const O& op, const Vjp& at) {
  op.again(at);
};
template <class O>
concept MayMakeAgain = HasAgain<O> && requires(const O& op) {
  op.make_again;
};
template <class O>
concept HasViewOfTwo = requires(const O& op, const Tensor& x) {
  op.view(x, x);
};
template <class O>
concept HasView = HasViewOfTwo<O> || requires(const O& op, const Tensor& x) {
  op.view(x);
};

// Ops that count have two inputs and one output: x, w, y.
template <class O>
concept HasMacs = requires(const O& op, const Shape& s) {
  op.macs(s, s, s);
};

// 0: any number
template <class O>
constexpr std::size_t input_count() {
  if constexpr (HasArguments<O>)
    return O::arguments.size();
  else
    return 0;
}
template <class O>
constexpr std::size_t output_count() {
  if constexpr (HasResults<O>)
    return O::results.size();
  else
    return 1;
}

}  // namespace detail

// An op as AnyOp, by its struct. Its functions are defined in autograd/define_op.h, for the one file that
// registers O: so no other compiles O's reference kernels and gradients again.
template <class O>
class OpOf final : public AnyOp {
 public:
  static_assert(detail::input_count<O>() <= Saves::most_inputs &&
                detail::output_count<O>() <= Saves::most_outputs);
  explicit OpOf(O op) : op(std::move(op)) {}
  std::string_view name() const override;
  Shapes shapes(const Shapes& in) const override;
  void reference(const Tensors& in, Tensors& out) const override;
  Tensors vjp(const Vjp& at) const override;
  bool is_view() const override;
  Tensor view(const Tensors& in) const override;
  bool saves_input(int i, const std::vector<bool>& wanted) const override;
  bool saves_output(int i) const override;
  bool can_make_again() const override;
  Tensor again(const Vjp& at) const override;
  Int macs(const Tensors& in, const Tensors& out) const override;
  const void* attributes() const override;

 private:
  template <class T>
  void run(const Tensors& in, Tensors& out) const;

  O op;
};

}  // namespace sonograd
