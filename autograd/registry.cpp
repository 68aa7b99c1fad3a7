#include "autograd/registry.h"

#include "base/error.h"

namespace sonograd {

// Written by cmake/OpRegistry.cmake; the second does nothing in a build without CUDA.
void register_all_ops(Registry& registry);
void register_gpu_ops(Registry& registry);

const OpEntry& Registry::at(std::string_view name) const {
  const auto found = entries.find(name);
  expect(found != entries.end(), "no op is called {}; `sonograd audit` lists them", name);
  return found->second;
}

void Registry::insert(OpEntry entry) {
  expect(!entry.good.empty(), "{}: an op is registered with samples, it has none", entry.name);
  expect(!entry.equation.empty(), "{}: an op is registered with its equation", entry.name);
  expect(entries.count(entry.name) == 0, "{}: registered twice", entry.name);
  entries.emplace(entry.name, std::move(entry));
}

void Registry::add_kernel(std::string_view op, Device device, FastKernel kernel) {
  const auto found = entries.find(op);
  expect(found != entries.end(), "{}: its kernel was registered before the op", op);
  found->second.kernels[device] = std::move(kernel);
}

const Registry& registry() {
  static const Registry the_registry = [] {
    Registry r;
    register_all_ops(r);
    register_gpu_ops(r);
    return r;
  }();
  return the_registry;
}

}  // namespace sonograd
