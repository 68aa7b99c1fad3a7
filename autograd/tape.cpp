#include "autograd/tape.h"

#include <algorithm>

#include "autograd/apply.h"
#include "autograd/tape_state.h"

namespace sonograd {
namespace {

thread_local bool walking_back = false, deferring = false;

Tensor sum(const Tensor& a, const Tensor& b, Tensors into = {}) {
  static const OpEntry& add = registry().at("add");
  return apply_any(add.plain, add, {a, b}, std::move(into))[0];
}

// Whether writing to x changes no other tensor and no element of x twice.
bool alone(const Tensor& x) {
  if (!x.sole_owner()) return false;
  Int reach = 1;  // elements of storage that the axes behind this one span
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    if (x.size(axis) > 1 && x.strides()[axis] < reach) return false;
    reach = x.strides()[axis] * x.size(axis);
  }
  return true;
}

// While one lives, in_backward() is true: observers and named gpu ranges tell backward's ops by it.
class BackwardScope {
 public:
  BackwardScope() : before(walking_back) { walking_back = true; }
  ~BackwardScope() { walking_back = before; }
  BackwardScope(const BackwardScope&) = delete;
  BackwardScope& operator=(const BackwardScope&) = delete;

 private:
  bool before;
};

// One walk from y back to the tensors that gradients are wanted of.
class Backward {
 public:
  Backward(const std::shared_ptr<TapeState>& state, const Tensor& y, const Tensors& wrt,
           const GradientOptions& options)
      : state(state),
        wrt(wrt),
        options(options),
        cotangents(state->nodes.size()),
        leads(state->nodes.size(), false),
        results(wrt.size()),
        first_use(wrt.size(), -1) {
    mark_what_leads_to_wrt();
    Tensor seed = options.cotangent.defined() ? options.cotangent
                                              : Tensor::filled(y.shape(), 1.0, y.dtype(), y.device());
    expect(seed.shape() == y.shape(), "the cotangent {} has not the shape of y {}", seed.shape().text(),
           y.shape().text());
    if (y.tape() == state) cotangents[static_cast<std::size_t>(y.node())] = std::move(seed);
  }

  Tensors run() {
    for (std::size_t i = calls_at_start; i-- > 0;) {
      pass(i);
      for (std::size_t k = 0; k < wrt.size(); ++k)
        if (first_use[k] == static_cast<Int>(i)) finish(k);
    }
    for (std::size_t k = 0; k < wrt.size(); ++k)
      if (first_use[k] < 0) finish(k);
    return std::move(results);
  }

 private:
  void mark_what_leads_to_wrt() {
    for (const Tensor& x : wrt) {
      expect(x.tape() == state, "a gradient was asked of a tensor that this tape does not watch, shape {}",
             x.shape().text());
      leads[static_cast<std::size_t>(x.node())] = true;
    }
    for (std::size_t i = 0; i < calls_at_start; ++i) {
      const Recorded& call = state->calls[i];
      bool any = false;
      for (const Int node : call.input_nodes) {
        if (node < 0 || !leads[static_cast<std::size_t>(node)]) continue;
        any = true;
        for (std::size_t k = 0; k < wrt.size(); ++k)
          if (wrt[k].node() == node && first_use[k] < 0) first_use[k] = static_cast<Int>(i);
      }
      if (any)
        for (const Int node : call.output_nodes) leads[static_cast<std::size_t>(node)] = true;
    }
  }

  void pass(std::size_t i) {
    const bool keep = options.keep || options.record;
    state->calls[i].made.clear();
    std::vector<bool> wanted;
    for (const Int node : state->calls[i].input_nodes)
      wanted.push_back(node >= 0 && leads[static_cast<std::size_t>(node)]);
    Tensors dys;
    bool any = false;
    for (const Int node : state->calls[i].output_nodes) {
      Tensor& dy = cotangents[static_cast<std::size_t>(node)];
      any = any || dy.defined();
      dys.push_back(is_wanted(node) ? dy : std::move(dy));
      if (!is_wanted(node)) dy = Tensor();
    }
    any = any && std::any_of(wanted.begin(), wanted.end(), [](bool w) { return w; });
    if (any) run_what_it_saves(i);
    // By value: recording backward may grow the list of calls under our feet.
    Recorded call = keep ? state->calls[i] : std::move(state->calls[i]);
    if (!any) return;

    check_unchanged(call);
    for (std::size_t k = 0; k < wanted.size(); ++k)
      if (!call.inputs[k].has_data() && call.op->saves_input(static_cast<int>(k), wanted))
        call.inputs[k] = state->value_of(call.input_nodes[k], true);
    const AtLayer scope(call.layer);
    const Tensors gradients = call.op->vjp(
        {attached(call.inputs, call.input_nodes), attached(call.outputs, call.output_nodes), dys, wanted});
    for (std::size_t k = 0; k < wanted.size(); ++k)
      if (wanted[k]) add_cotangent(call, k, gradients);
  }

  // The outputs that vjp reads, of a deferred call.
  void run_what_it_saves(std::size_t i) {
    const Recorded& call = state->calls[i];
    for (std::size_t k = 0; k < call.outputs.size() && !call.has_run; ++k)
      if (call.op->saves_output(static_cast<int>(k))) state->value_of(call.output_nodes[k], false);
  }

  void add_cotangent(const Recorded& call, std::size_t k, const Tensors& gradients) {
    expect(k < gradients.size() && gradients[k].defined(), "{}: vjp gave no gradient of input {}",
           where(call), k);
    expect(gradients[k].shape() == call.inputs[k].shape(), "{}: vjp gave a gradient {} of input {} {}",
           where(call), gradients[k].shape().text(), k, call.inputs[k].shape().text());
    Tensor& total = cotangents[static_cast<std::size_t>(call.input_nodes[k])];
    if (!total.defined())
      total = gradients[k];
    else if (!options.record && alone(total))
      sum(total, gradients[k], {total});
    else
      total = sum(total, gradients[k]);
  }

  bool is_wanted(Int node) const {
    return std::any_of(wrt.begin(), wrt.end(), [&](const Tensor& x) { return x.node() == node; });
  }

  // With record, what vjp reads is known to the tape again.
  Tensors attached(Tensors list, const std::vector<Int>& nodes) const {
    if (options.record)
      for (std::size_t i = 0; i < list.size(); ++i)
        if (nodes[i] >= 0 && list[i].has_data()) list[i].set_node(state, nodes[i]);
    return list;
  }

  void finish(std::size_t k) {
    Tensor& gradient = cotangents[static_cast<std::size_t>(wrt[k].node())];
    if (!gradient.defined()) gradient = Tensor::zeros(wrt[k].shape(), wrt[k].dtype(), wrt[k].device());
    if (options.on_gradient)
      options.on_gradient(k, gradient);
    else
      results[k] = gradient;
    const bool asked_twice =
        std::count_if(wrt.begin(), wrt.end(), [&](const Tensor& x) { return x.node() == wrt[k].node(); }) > 1;
    const bool made_by_a_call = first_use[k] >= 0 && state->node(wrt[k].node()).call >= 0;
    if (!asked_twice && !made_by_a_call) gradient = Tensor();
  }

  const std::shared_ptr<TapeState> state;
  const Tensors& wrt;
  const GradientOptions& options;
  const std::size_t calls_at_start = state->calls.size();
  std::vector<Tensor> cotangents;  // by node
  std::vector<bool> leads;  // by node: whether a gradient is wanted of it or of what it was computed from
  Tensors results;
  std::vector<Int>
      first_use;  // by wanted tensor: the first call that read it, after which its gradient is complete
};

}  // namespace

Deferring::Deferring(bool on) : before(deferring) {
  deferring = on;
}
Deferring::~Deferring() {
  deferring = before;
}
bool is_deferring() {
  return deferring;
}

bool in_backward() {
  return walking_back;
}

Tape::Tape() : state(std::make_shared<TapeState>()) {}
Tape::~Tape() {
  state->calls.clear();
}

void Tape::watch(Tensor& x) {
  state->add_node(state, x);
}

Int Tape::recorded() const {
  return static_cast<Int>(state->calls.size());
}

Tensors Tape::gradient(const Tensor& y, const Tensors& wrt, const GradientOptions& options) {
  expect(options.cotangent.defined() || y.elements() == 1,
         "the gradient of a tensor {} needs a cotangent of that shape", y.shape().text());
  expect(!state->used_up, "the tape was used up by an earlier gradient; ask that one to keep it");
  const BackwardScope scope;
  Backward backward(state, y, wrt, options);  // throws where what is asked does not fit the tape
  state->used_up = !options.keep && !options.record;
  Tensors gradients;
  if (options.record) {
    gradients = backward.run();
  } else {
    const NoGrad quiet;
    gradients = backward.run();
  }
  if (!options.keep && !options.record) state->calls.clear();
  return gradients;
}

std::pair<Tensor, Tensors> value_and_gradient(const std::function<Tensor()>& f,
                                              const std::vector<Tensor*>& wrt,
                                              const GradientOptions& options) {
  struct Unwatch {
    const std::vector<Tensor*>& tensors;
    ~Unwatch() {
      for (Tensor* x : tensors) x->set_node(nullptr, -1);
    }
  };
  Tape tape;
  const Unwatch unwatch{wrt};
  for (Tensor* x : wrt) tape.watch(*x);
  const Tensor value = f();
  Tensors leaves;
  for (const Tensor* x : wrt) leaves.push_back(*x);
  return {value.detach(), tape.gradient(value, leaves, options)};
}

void accumulate(Tensors& into, const Tensors& gradients) {
  if (into.empty()) {
    into = gradients;
    return;
  }
  const NoGrad quiet;
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = sum(into[i], gradients[i]);
}

void record_call(const std::shared_ptr<const AnyOp>& op, const OpEntry& entry, const Tensors& inputs,
                 Tensors& outputs) {
  std::shared_ptr<TapeState> state;
  std::vector<bool> known;
  for (const Tensor& x : inputs) {
    known.push_back(x.tape() != nullptr);
    if (!known.back()) continue;
    expect(!state || state == x.tape(), "{}: inputs are known to two tapes", entry.name);
    state = x.tape();
  }
  if (!state) return;

  Recorded call{op, &entry, {}, {}, {}, {}, {}, layer_path(), !deferring};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = inputs[i];
    if (x.tape())
      expect(!written_over(x, state->node(x.node()).version),
             "{}: input {} {} was written in place after the tape recorded it, so its gradient would be "
             "wrong; write to a copy",
             where(call), i, x.shape().text());
    call.input_nodes.push_back(x.tape() ? x.node() : -1);
    const bool read = op->saves_input(static_cast<int>(i), known);
    const bool made_again = x.tape() && state->can_be_made_again(x.node());
    if (x.tape()) {
      TapeState::Node& node = state->node(x.node());
      node.read = node.read || read;
      node.kept = node.kept || (read && !made_again && !x.has_data());
    }
    call.inputs.push_back(deferring || (read && !made_again) ? x.detach() : x.without_data());
    call.versions.push_back(version_of(call.inputs.back()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& y = outputs[i];
    call.outputs.push_back(op->saves_output(static_cast<int>(i)) ? y.detach() : y.without_data());
    call.versions.push_back(version_of(call.outputs.back()));
    state->add_node(state, outputs[i], static_cast<Int>(state->calls.size()));
    call.output_nodes.push_back(outputs[i].node());
  }
  state->calls.push_back(std::move(call));
}

}  // namespace sonograd
