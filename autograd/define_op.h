#pragma once
#include "autograd/registry.h"

namespace sonograd {

// What makes an op of a struct (autograd/op.h): included by the file that registers it.

namespace detail {

inline Shapes as_list(const Shape& shape) {
  return {shape};
}
inline Shapes as_list(Shapes shapes) {
  return shapes;
}

}  // namespace detail

template <class O>
std::string_view OpOf<O>::name() const {
  return O::name;
}

template <class O>
Shapes OpOf<O>::shapes(const Shapes& in) const {
  if constexpr (detail::HasArguments<O>) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return detail::as_list(op.shape(in[I]...));
    }
    (std::make_index_sequence<O::arguments.size()>());
  } else {
    return detail::as_list(op.shape(in));
  }
}

template <class O>
void OpOf<O>::reference(const Tensors& in, Tensors& out) const {
  if constexpr (detail::HasView<O>)
    throw Error("{} is a view op: it makes its output and has no kernel", O::name);
  else
    with_type(out[0].dtype(), [&](auto zero) { run<decltype(zero)>(in, out); });
}

template <class O>
Tensors OpOf<O>::vjp(const Vjp& at) const {
  if constexpr (detail::HasVjp<O>)
    return op.vjp(at);
  else
    throw Error("{} has no vjp, so nothing can be differentiated through it", O::name);
}

template <class O>
bool OpOf<O>::is_view() const {
  return detail::HasView<O>;
}

template <class O>
Tensor OpOf<O>::view(const Tensors& in) const {
  if constexpr (detail::HasViewOfTwo<O>)
    return op.view(in[0], in[1]);
  else if constexpr (detail::HasView<O>)
    return op.view(in[0]);
  else
    throw Error("{} is no view op: its kernel writes its output", O::name);
}

template <class O>
bool OpOf<O>::saves_input(int i, [[maybe_unused]] const std::vector<bool>& wanted) const {
  if constexpr (detail::HasReads<O>) return op.reads(i, wanted);
  if constexpr (detail::HasSaves<O>)
    return O::saves.inputs[detail::HasArguments<O> ? static_cast<std::size_t>(i) : 0];
  return true;
}

template <class O>
bool OpOf<O>::saves_output(int i) const {
  if constexpr (detail::HasSaves<O>) return O::saves.outputs[static_cast<std::size_t>(i)];
  return false;
}

template <class O>
bool OpOf<O>::can_make_again() const {
  if constexpr (detail::MayMakeAgain<O>) return op.make_again;
  return detail::HasAgain<O>;
}

template <class O>
Tensor OpOf<O>::again(const Vjp& at) const {
  if constexpr (detail::HasAgain<O>) return op.again(at);
  return AnyOp::again(at);
}

template <class O>
Int OpOf<O>::macs([[maybe_unused]] const Tensors& in, [[maybe_unused]] const Tensors& out) const {
  if constexpr (detail::HasMacs<O>) return op.macs(in[0].shape(), in[1].shape(), out[0].shape());
  return 0;
}

template <class O>
const void* OpOf<O>::attributes() const {
  return &op;
}

template <class O>
template <class T>
void OpOf<O>::run(const Tensors& in, Tensors& out) const {
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

template <class O>
void Registry::add(OpEntry entry) {
  entry.name = O::name;
  if constexpr (detail::HasArguments<O>) entry.arguments.assign(O::arguments.begin(), O::arguments.end());
  entry.is_view = detail::HasView<O>;
  entry.has_vjp = detail::HasVjp<O>;
  if constexpr (requires { O::overwrites; }) entry.overwrites = O::overwrites;
  if constexpr (std::is_default_constructible_v<O>) entry.plain = std::make_shared<OpOf<O>>(O{});
  insert(std::move(entry));
}

}  // namespace sonograd
