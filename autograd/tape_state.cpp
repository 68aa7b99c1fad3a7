#include "autograd/tape_state.h"

#include "autograd/apply.h"

namespace sonograd {

std::uint64_t version_of(const Tensor& x) {
  return x.has_data() ? x.storage()->version() : 0;
}
bool written_over(const Tensor& x, std::uint64_t since) {
  return x.has_data() && x.storage()->written_since(since, x.region());
}

std::string where(const Recorded& call) {
  return fmt::format("{}{}{}", call.layer, call.layer.empty() ? "" : ": ", call.entry->name);
}

void check_unchanged(const Recorded& call) {
  const auto check = [&](const Tensor& x, std::uint64_t version, const std::string& name) {
    expect(
        !written_over(x, version),
        "{}: {} {} was written in place after the op ran, and backward needs its old value; write to a copy",
        where(call), name, x.shape().text());
  };
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const auto& names = call.entry->arguments;
    check(call.inputs[i], call.versions[i], i < names.size() ? names[i] : fmt::format("x{}", i));
  }
  for (std::size_t i = 0; i < call.outputs.size(); ++i)
    check(call.outputs[i], call.versions[call.inputs.size() + i], "its output");
}

void TapeState::add_node(const std::shared_ptr<TapeState>& self, Tensor& x, Int call) {
  x.set_node(self, static_cast<Int>(nodes.size()));
  nodes.push_back({version_of(x), call});
}

bool TapeState::can_be_made_again(Int number) const {
  if (number < 0 || node(number).call < 0) return false;
  if (node(number).kept) return true;
  const Recorded& call = calls[static_cast<std::size_t>(node(number).call)];
  if (number != call.output_nodes[0] || call.op->saves_output(0) ||
      !(call.op->can_make_again() || (call.op->is_view() && call.inputs.size() == 1)))
    return false;
  for (std::size_t k = 0; k < call.inputs.size(); ++k)
    if (!call.inputs[k].has_data() && !can_be_made_again(call.input_nodes[k])) return false;
  return true;
}

Tensor TapeState::value_of(Int number, bool asked) {
  Recorded& call = calls[static_cast<std::size_t>(node(number).call)];
  const auto which = static_cast<std::size_t>(number - call.output_nodes[0]);
  if (call.outputs[which].has_data()) return call.outputs[which];
  if (!call.made.empty() && call.made[which].defined()) return call.made[which];
  check_unchanged(call);
  Tensors inputs = call.inputs;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (!inputs[k].has_data()) inputs[k] = value_of(call.input_nodes[k], false);
  const NoGrad quiet;
  const AtLayer scope(call.layer);
  const Tensors values = call.op->is_view() ? Tensors{call.op->view(inputs)}
                         : call.has_run && which == 0 && call.op->can_make_again()
                             ? Tensors{call.op->again({inputs, call.outputs, {}, {}})}
                             : apply_any(call.op, *call.entry, inputs);
  call.made.resize(call.outputs.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Node& made = node(call.output_nodes[k]);
    if (!call.has_run && call.op->saves_output(static_cast<int>(k))) {
      call.outputs[k] = values[k];
      call.versions[call.inputs.size() + k] = version_of(values[k]);
    } else if (made.kept || (made.read && call.has_run) || (asked && k == which)) {
      call.made[k] = values[k];
    }
  }
  call.has_run = true;
  return values[which];
}

}  // namespace sonograd
