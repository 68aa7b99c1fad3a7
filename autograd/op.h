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
  virtual Tensors vjp(const Vjp& at) const = 0;  // one gradient per input, undefined where not wanted
  virtual bool is_view() const = 0;
  virtual Tensor view(const Tensors& inputs) const = 0;                            // view ops alone
  virtual bool saves_input(int input, const std::vector<bool>& wanted) const = 0;  // wanted: see Vjp
  virtual bool saves_output(int output) const = 0;
  virtual bool repeats() const { return false; }  // whether it has the next
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
//                                                       memory says so, and the tape keeps its output for nobody
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

template <class O>
class OpOf final : public AnyOp {
 public:
  static_assert(detail::input_count<O>() <= Saves::most_inputs &&
                detail::output_count<O>() <= Saves::most_outputs);
  explicit OpOf(O op) : op(std::move(op)) {}
  std::string_view name() const override { return O::name; }

  Shapes shapes(const Shapes& in) const override {
    if constexpr (detail::HasArguments<O>) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return as_list(op.shape(in[I]...));
      }
      (std::make_index_sequence<O::arguments.size()>());
    } else {
      return as_list(op.shape(in));
    }
  }

  void reference(const Tensors& in, Tensors& out) const override {
    if constexpr (detail::HasView<O>)
      throw Error("{} is a view op: it makes its output and has no kernel", O::name);
    else
      with_type(out[0].dtype(), [&](auto zero) { run<decltype(zero)>(in, out); });
  }

  Tensors vjp(const Vjp& at) const override {
    if constexpr (detail::HasVjp<O>)
      return op.vjp(at);
    else
      throw Error("{} has no vjp, so nothing can be differentiated through it", O::name);
  }
  bool is_view() const override { return detail::HasView<O>; }
  Tensor view(const Tensors& in) const override {
    if constexpr (detail::HasViewOfTwo<O>)
      return op.view(in[0], in[1]);
    else if constexpr (detail::HasView<O>)
      return op.view(in[0]);
    else
      throw Error("{} is no view op: its kernel writes its output", O::name);
  }
  bool saves_input(int i, [[maybe_unused]] const std::vector<bool>& wanted) const override {
    if constexpr (detail::HasReads<O>) return op.reads(i, wanted);
    if constexpr (detail::HasSaves<O>)
      return O::saves.inputs[detail::HasArguments<O> ? static_cast<std::size_t>(i) : 0];
    return true;
  }
  bool saves_output(int i) const override {
    if constexpr (detail::HasSaves<O>) return O::saves.outputs[static_cast<std::size_t>(i)];
    return false;
  }
  bool repeats() const override { return detail::HasAgain<O>; }
  Tensor again(const Vjp& at) const override {
    if constexpr (detail::HasAgain<O>) return op.again(at);
    return AnyOp::again(at);
  }
  Int macs([[maybe_unused]] const Tensors& in, [[maybe_unused]] const Tensors& out) const override {
    if constexpr (detail::HasMacs<O>) return op.macs(in[0].shape(), in[1].shape(), out[0].shape());
    return 0;
  }
  const void* attributes() const override { return &op; }

 private:
  static Shapes as_list(Shape shape) { return {shape}; }
  static Shapes as_list(Shapes shapes) { return shapes; }

  template <class T>
  void run(const Tensors& in, Tensors& out) const {
    [&]<std::size_t... O_>(std::index_sequence<O_...>) {
      if constexpr (detail::HasArguments<O>) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
          op.reference(read_view<T>(in[I])..., write_view<T>(out[O_])...);
        }
        (std::make_index_sequence<O::arguments.size()>());
      } else {
        std::vector<View<const T>> views;
        for (const Tensor& x : in) views.push_back(read_view<T>(x));
        op.reference(views, write_view<T>(out[O_])...);
      }
    }
    (std::make_index_sequence<detail::output_count<O>()>());
  }

  O op;
};

}  // namespace sonograd
