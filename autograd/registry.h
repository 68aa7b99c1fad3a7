#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/sample.h"

namespace sonograd {

// A fast kernel, of the cpu or the gpu, writes outputs that apply() has allocated. It is given dense inputs
// unless it was registered as `strided`.
using Kernel = std::function<void(const void* attributes, const Tensors& inputs, Tensors& outputs)>;
enum class Layout { dense, strided };

// A kernel that takes many calls at once, none of which touches what another writes.
struct KernelCall {
  const void* attributes;
  Tensors inputs, outputs;
};
using KernelOfMany = std::function<void(std::vector<KernelCall>& calls)>;

struct FastKernel {
  Kernel run;
  Layout layout = Layout::dense;
  KernelOfMany run_many = {};  // most have none
};

// What registering an op requires. `linear` names the arguments in which the op is linear for fixed others:
// for these the adjoint identity <dy, y> = <dx, x> is checked on each fast device.
struct OpEntry {
  std::string equation;            // y[n,i,j,o] = …
  std::vector<int> linear = {};    // argument numbers
  std::vector<int> constant = {};  // argument numbers without a gradient, such as labels
  std::vector<Sample> good = {};
  std::vector<BadSample> bad = {};

  std::string name = {};                    // the rest is filled in by add(), add_cpu(), add_gpu()
  std::vector<std::string> arguments = {};  // empty: any number
  bool is_view = false;
  bool has_vjp = false;
  bool overwrites = false;
  std::shared_ptr<const AnyOp> plain = {};  // the op with its default attributes, where it has defaults
  std::map<Device, FastKernel> kernels = {};
};

class Registry {
 public:
  template <class O>
  void add(OpEntry entry);  // in autograd/define_op.h
  // kernel: void(const O&, const Tensors& inputs, Tensors& outputs), f32; throws where O was not added before
  template <class O, class F>
  void add_cpu(F kernel, Layout layout = Layout::dense) {
    add_kernel(O::name, Device::cpu, {with_attributes<O>(kernel), layout});
  }
  // The same of a kernel that launches its work on the gpu, whose tensors it is given (tensor/gpu/launch.h).
  template <class O, class F>
  void add_gpu(F kernel, Layout layout = Layout::dense) {
    add_kernel(O::name, Device::gpu, {with_attributes<O>(kernel), layout});
  }
  // The same of a kernel that takes many calls at once, whose attributes are O's; one call is a list of one.
  template <class O>
  void add_gpu_many(const KernelOfMany& kernel) {
    const auto one = [kernel](const void* op, const Tensors& in, Tensors& out) {
      std::vector<KernelCall> calls{{op, in, out}};
      kernel(calls);
    };
    add_kernel(O::name, Device::gpu, {one, Layout::dense, kernel});
  }

  const OpEntry& at(std::string_view name) const;  // throws Error naming the op
  const std::map<std::string, OpEntry, std::less<>>& ops() const { return entries; }

 private:
  template <class O, class F>
  static Kernel with_attributes(F kernel) {
    return [kernel](const void* op, const Tensors& in, Tensors& out) {
      kernel(*static_cast<const O*>(op), in, out);
    };
  }
  void insert(OpEntry entry);  // throws where samples are missing
  void add_kernel(std::string_view op, Device device, FastKernel kernel);

  std::map<std::string, OpEntry, std::less<>> entries;
};

// Every op of the library, collected from the folders under ops/.
const Registry& registry();

// The folders under ops/ when the library was built, with what registers the ops of each: at least one.
struct OpFolder {
  std::string name;
  void (*add)(Registry&);
};
const std::vector<OpFolder>& op_folders();

}  // namespace sonograd
