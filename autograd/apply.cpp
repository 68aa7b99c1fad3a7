#include "autograd/apply.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "autograd/tape.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/ranges.h"
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

std::string called(const OpEntry& entry) {
  return fmt::format("{}{}{}", path, path.empty() ? "" : ": ", entry.name);
}

// work(), whose failures for want of a gpu or of memory begin with the layer, the op and its inputs; `more`
// calls run beside this one.
template <class Work>
void telling_where(const OpEntry& entry, const Tensors& inputs, const Work& work, std::size_t more = 0) {
  const auto where = [&] {
    return fmt::format("{} ({}{}): ", called(entry), describe(entry, inputs),
                       more > 0 ? fmt::format(", and {} more", more) : "");
  };
  try {
    work();
  } catch (gpu::Failure& failure) {
    failure.prepend(where());
    throw;
  } catch (OutOfMemory& full) {
    full.prepend(where());
    throw;
  }
}

[[noreturn]] void fail(const OpEntry& entry, const Tensors& inputs, const std::string& rule) {
  throw Error("{}: {}; {}", called(entry), rule, describe(entry, inputs));
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

// What a dense kernel is given.
Tensors as_dense(const OpEntry& entry, const Tensors& inputs, const Tensors& outputs) {
  if (!std::all_of(outputs.begin(), outputs.end(), [](const Tensor& y) { return y.dense(); }))
    fail(entry, inputs,
         fmt::format("the outputs given must be dense for its kernel on {}", name_of(inputs[0].device())));
  Tensors dense;
  for (const Tensor& x : inputs) dense.push_back(x.as_dense());
  return dense;
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
  kernel->second.run(op.attributes(), as_dense(entry, inputs, outputs), outputs);
}

// Calls that wait to be given to one kernel together.
class Waiting {
 public:
  Waiting(const OpEntry& entry, const KernelOfMany& kernel) : entry(entry), kernel(kernel) {}

  // Runs those before it first where one of them writes what it touches, or touches what it writes.
  void add(OpCall call) {
    check_given(entry, call.inputs, checked_shapes(*call.op, entry, call.inputs), call.outputs);
    const auto meets = [](const Regions& regions, const Tensors& list) {
      return std::any_of(list.begin(), list.end(), [&](const Tensor& x) {
        const auto there = regions.find(x.storage().get());
        return there != regions.end() &&
               std::any_of(there->second.begin(), there->second.end(),
                           [&](const Region& region) { return x.region().may_overlap(region); });
      });
    };
    if (copied >= gpu::most_copied || meets(written, call.inputs) || meets(written, call.outputs) ||
        meets(read, call.outputs))
      run();
    Tensors dense;
    telling_where(entry, call.inputs, [&] { dense = as_dense(entry, call.inputs, call.outputs); });
    for (const Tensor& x : call.inputs) {
      read[x.storage().get()].push_back(x.region());
      if (!x.dense()) copied += x.elements() * size_of(x.dtype());
    }
    for (const Tensor& y : call.outputs) written[y.storage().get()].push_back(y.region());
    ready.push_back({call.op->attributes(), std::move(dense), call.outputs});
    calls.push_back(std::move(call));
  }

  void run() {
    if (calls.empty()) return;
    const gpu::NamedRange range([&] { return called(entry); });
    const auto start = std::chrono::steady_clock::now();
    telling_where(
        entry, calls[0].inputs, [&] { kernel(ready); }, calls.size() - 1);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    if (observer)
      for (const OpCall& call : calls)
        observer({entry, *call.op, call.inputs, call.outputs, path, in_backward(),
                  spent.count() / static_cast<double>(calls.size())});
    calls.clear(), ready.clear(), read.clear(), written.clear();
    copied = 0;
  }

 private:
  using Regions = std::unordered_map<const Storage*, std::vector<Region>>;

  const OpEntry& entry;
  const KernelOfMany& kernel;
  std::vector<OpCall> calls;
  std::vector<KernelCall> ready;
  Regions read, written;
  Int copied = 0;
};

}  // namespace

Tensors apply_any(const std::shared_ptr<const AnyOp>& op, const OpEntry& entry, const Tensors& inputs,
                  Tensors outputs) {
  const gpu::NamedRange range([&] { return called(entry) + (in_backward() ? " (backward)" : ""); });
  const Shapes shapes = checked_shapes(*op, entry, inputs);
  if (!outputs.empty()) check_given(entry, inputs, shapes, outputs);
  if (recording && is_deferring() &&
      std::any_of(inputs.begin(), inputs.end(), [](const Tensor& x) { return x.tape() != nullptr; })) {
    if (!outputs.empty()) fail(entry, inputs, "outputs are given to a call that is put off");
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
    telling_where(entry, inputs, [&] {
      if (outputs.empty()) outputs = empty_outputs(shapes, inputs[0]);
      run_kernel(*op, entry, inputs, outputs);
    });
  }
  if (observer) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    observer({entry, *op, inputs, outputs, path, in_backward(), spent.count()});
  }
  if (recording) record_call(op, entry, inputs, outputs);
  return outputs;
}

void apply_each(const OpEntry& entry, std::vector<OpCall> calls) {
  const NoGrad quiet;
  const auto kernel = entry.kernels.find(Device::gpu);
  if (kernel == entry.kernels.end() || !kernel->second.run_many ||
      !std::all_of(calls.begin(), calls.end(), [](const OpCall& call) {
        return call.inputs[0].device() == Device::gpu && call.inputs[0].dtype() == DType::f32;
      })) {
    for (OpCall& call : calls) apply_any(call.op, entry, call.inputs, std::move(call.outputs));
    return;
  }
  Waiting waiting(entry, kernel->second.run_many);
  for (OpCall& call : calls) waiting.add(std::move(call));
  waiting.run();
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
