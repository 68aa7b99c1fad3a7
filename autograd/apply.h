#pragma once
#include <functional>

#include "autograd/registry.h"

namespace sonograd {

// The only way to run an op: checks the shapes, allocates the outputs, runs the device's kernel (a missing
// cpu kernel falls back to the reference, a missing gpu kernel is an error) and, where an input is known to a
// tape, records the call there. Throws Error
//
//   <layer path>: <op>: <the rule broken>; <input> <shape>, …     where a rule is broken
//   <layer path>: <op> (<input> <shape>, …): <what failed>        where the gpu or memory fails in the kernel
//
// and lets any other error of a kernel through as it is.
//
// Outputs that are given, of the right number, shapes, type and device, and dense for a fast kernel that
// takes no strides, are written to: one may be an input of an op that says `overwrites`, or that works in
// place (ops/update). A view op is given none, nor is a call whose run is put off (Deferring of tape.h).
Tensors apply_any(const std::shared_ptr<const AnyOp>& op, const OpEntry& entry, const Tensors& inputs,
                  Tensors outputs = {});

bool is_recording();  // whether this thread's ops are, where a tape knows an input

// Calls of one op, as if one after the other, with the outputs that are given. Where its kernel takes many at
// once, it gets together those in a row of which none touches what another writes. No tape records them.
struct OpCall {
  std::shared_ptr<const AnyOp> op;
  Tensors inputs, outputs;
};
void apply_each(const OpEntry& entry, std::vector<OpCall> calls);

// The same as apply_any by the op's struct: all of its outputs, or the first (of most ops the only one).
template <class O>
Tensors apply_all(O op, const Tensors& inputs) {
  static const OpEntry& entry = registry().at(O::name);
  return apply_any(std::make_shared<OpOf<O>>(std::move(op)), entry, inputs);
}
template <class O, class... T>
Tensor apply(O op, const T&... inputs) {
  return apply_all(std::move(op), Tensors{inputs...})[0];
}

// apply(), written over the first input where the output has its shape, nothing else holds its elements and
// no tape may ask for them: of an op bound by memory a third less to fetch. Of ops that say `overwrites`
// (autograd/op.h).
template <class O, class... T>
Tensor apply_over(O op, Tensor x, const T&... rest) {
  static_assert(O::overwrites);
  static const OpEntry& entry = registry().at(O::name);
  const bool over =
      !is_recording() && x.sole_owner() && x.dense() && op.shape(x.shape(), rest.shape()...) == x.shape();
  const Tensors inputs{std::move(x), rest...};
  return apply_any(std::make_shared<OpOf<O>>(std::move(op)), entry, inputs,
                   over ? Tensors{inputs[0]} : Tensors{})[0];
}

// Whether this thread's ops are recorded, while one lives.
class RecordingScope {
 public:
  explicit RecordingScope(bool on);
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool before;
};
struct NoGrad : RecordingScope {
  NoGrad() : RecordingScope(false) {}
};
// Within a NoGrad too: for a vjp that runs its op's parts anew.
struct Recording : RecordingScope {
  Recording() : RecordingScope(true) {}
};

// Adds a name, unless it is empty, to the layer path that errors, tape entries and observers of this thread
// carry.
class LayerScope {
 public:
  explicit LayerScope(std::string_view name);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

 private:
  std::size_t length_before;
};
const std::string& layer_path();  // block7a.project_conv; empty outside of layers

// The whole path, whatever it was: backward goes back to where a call came from.
class AtLayer {
 public:
  explicit AtLayer(std::string path);
  ~AtLayer();
  AtLayer(const AtLayer&) = delete;
  AtLayer& operator=(const AtLayer&) = delete;

 private:
  std::string before;
};

// What an observer learns of each op of this thread after it ran (op table, first number that is not finite,
// activations). An op may have put its output in the place of its first input: they share storage then.
struct Observation {
  const OpEntry& op;
  const AnyOp& call;
  const Tensors& inputs;
  const Tensors& outputs;
  const std::string& layer;
  bool backward;
  double seconds;
};
class Observer {
 public:
  explicit Observer(std::function<void(const Observation&)> see);
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

 private:
  std::function<void(const Observation&)> before;
};

}  // namespace sonograd
