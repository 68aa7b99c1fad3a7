#include "autograd/apply.h"

#include <algorithm>
#include <chrono>

#include "autograd/tape.h"
#include "tensor/gpu.h"
#include "tensor/gpu_ranges.h"
#include "tensor/out_of_memory.h"

namespace sonograd {
namespace {

thread_local bool recording = true;
thread_local std::string path;
thread_local std::function<void(const Observation&)> observer;

std::string describe(const OpEntry& entry, const Tensors& inputs) {
  std::string text;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = i < entry.arguments.size() ? entry.arguments[i] : fmt::format("x{}", i);
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", name, inputs[i].shape().text());
  }
  return text;
}

std::string where(const OpEntry& entry, const Tensors& inputs) {
  return fmt::format("{}{}{} ({}): ", path, path.empty() ? "" : ": ", entry.name, describe(entry, inputs));
}

[[noreturn]] void fail(const OpEntry& entry, const Tensors& inputs, const std::string& rule) {
  throw Error("{}{}{}: {}; {}", path, path.empty() ? "" : ": ", entry.name, rule, describe(entry, inputs));
}

Shapes checked_shapes(const AnyOp& op, const OpEntry& entry, const Tensors& inputs) {
  if (!entry.arguments.empty() && entry.arguments.size() != inputs.size())
    fail(entry, inputs, fmt::format("takes {} inputs, got {}", entry.arguments.size(), inputs.size()));
  Shapes shapes;
  for (const Tensor& x : inputs) {
    if (!x.defined()) fail(entry, inputs, "an input is undefined");
    if (x.dtype() != inputs[0].dtype())
      fail(entry, inputs,
           fmt::format("inputs of types {} and {}", name_of(inputs[0].dtype()), name_of(x.dtype())));
    if (x.device() != inputs[0].device())
      fail(entry, inputs,
           fmt::format("inputs on {} and {}", name_of(inputs[0].device()), name_of(x.device())));
    shapes.push_back(x.shape());
  }
  try {
    return op.shapes(shapes);
  } catch (const Error& error) {
    fail(entry, inputs, error.what());
  }
}

Tensors empty_outputs(const Shapes& shapes, const Tensor& like) {
  Tensors outputs;
  const auto name = [&] {
    return shapes.size() == 1 ? "the output"
                              : fmt::format("output {} of {}", outputs.size() + 1, shapes.size());
  };
  for (const Shape& shape : shapes)
    outputs.push_back(allocating(name, [&] { return Tensor::empty(shape, like.dtype(), like.device()); }));
  return outputs;
}

void check_given(const OpEntry& entry, const Tensors& inputs, const Shapes& shapes, const Tensors& outputs) {
  bool fit = outputs.size() == shapes.size() && !entry.is_view;
  for (std::size_t i = 0; fit && i < shapes.size(); ++i)
    fit = outputs[i].has_data() && outputs[i].shape() == shapes[i] &&
          outputs[i].dtype() == inputs[0].dtype() && outputs[i].device() == inputs[0].device();
  if (!fit)
    fail(entry, inputs, "the outputs given are not of the number, shapes, type and device of its own");
}

void run_kernel(const AnyOp& op, const OpEntry& entry, const Tensors& inputs, Tensors& outputs) {
  const auto kernel = entry.kernels.find(inputs[0].device());
  if (inputs[0].device() == Device::gpu) {
    if (kernel == entry.kernels.end()) fail(entry, inputs, "there is no gpu kernel; run it on the cpu");
    if (inputs[0].dtype() != DType::f32) fail(entry, inputs, "the gpu computes in f32, the inputs are f64");
  }
  if (kernel == entry.kernels.end() || inputs[0].dtype() != DType::f32) {
    op.reference(inputs, outputs);
    return;
  }
  if (kernel->second.layout == Layout::strided) {
    kernel->second.run(op.attributes(), inputs, outputs);
    return;
  }
  if (!std::all_of(outputs.begin(), outputs.end(), [](const Tensor& y) { return y.dense(); }))
    fail(entry, inputs,
         fmt::format("the outputs given must be dense for its kernel on {}", name_of(inputs[0].device())));
  Tensors dense;
  for (const Tensor& x : inputs) dense.push_back(x.as_dense());
  kernel->second.run(op.attributes(), dense, outputs);
}

}  // namespace

Tensors apply_any(const std::shared_ptr<const AnyOp>& op, const OpEntry& entry, const Tensors& inputs,
                  Tensors outputs) {
  const gpu::NamedRange range([&] {
    return fmt::format("{}{}{}{}", path, path.empty() ? "" : ": ", entry.name,
                       in_backward() ? " (backward)" : "");
  });
  const Shapes shapes = checked_shapes(*op, entry, inputs);
  if (!outputs.empty()) check_given(entry, inputs, shapes, outputs);
  if (recording && is_deferring() &&
      std::any_of(inputs.begin(), inputs.end(), [](const Tensor& x) { return x.tape() != nullptr; })) {
    for (const Shape& shape : shapes)
      outputs.push_back(Tensor::empty(shape, inputs[0].dtype(), inputs[0].device()).without_data());
    record_call(op, entry, inputs, outputs);
    return outputs;
  }
  const auto start = observer ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  if (op->is_view()) {
    Tensors unrecorded;
    for (const Tensor& x : inputs) unrecorded.push_back(x.detach());
    outputs = {op->view(unrecorded)};
  } else {
    try {
      if (outputs.empty()) outputs = empty_outputs(shapes, inputs[0]);
      run_kernel(*op, entry, inputs, outputs);
    } catch (gpu::Failure& failure) {
      failure.prepend(where(entry, inputs));
      throw;
    } catch (OutOfMemory& full) {
      full.prepend(where(entry, inputs));
      throw;
    }
  }
  if (observer) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    observer({entry, *op, inputs, outputs, path, in_backward(), spent.count()});
  }
  if (recording) record_call(op, entry, inputs, outputs);
  return outputs;
}

RecordingScope::RecordingScope(bool on) : before(recording) {
  recording = on;
}
RecordingScope::~RecordingScope() {
  recording = before;
}

bool is_recording() {
  return recording;
}

LayerScope::LayerScope(std::string_view name) : length_before(path.size()) {
  if (!path.empty() && !name.empty()) path += '.';
  path += name;
}
LayerScope::~LayerScope() {
  path.resize(length_before);
}
const std::string& layer_path() {
  return path;
}

AtLayer::AtLayer(std::string at) : before(std::move(path)) {
  path = std::move(at);
}
AtLayer::~AtLayer() {
  path = std::move(before);
}

Observer::Observer(std::function<void(const Observation&)> see) : before(std::move(observer)) {
  observer = std::move(see);
}
Observer::~Observer() {
  observer = std::move(before);
}

}  // namespace sonograd
