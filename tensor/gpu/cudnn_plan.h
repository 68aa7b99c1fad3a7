#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/shape.h"

// Plans of cuDNN's graph API, told of without its header, so that a machine without a GPU can ask which plan
// a graph would get there.
namespace sonograd::cudnn {

struct OperationGraph;  // tensor/gpu/cudnn.h

// Which device plans are for.
class Target {
 public:
  // A GPU that need not be there, by cuDNN's JSON of its properties.
  explicit Target(const std::string& properties);
  // The one of a handle (cudnnHandle_t).
  explicit Target(void* handle);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

 private:
  friend class Plan;
  struct Parts;
  std::unique_ptr<const Parts> parts;
};

// What an engine may do to be taken. None may round what it reads or adds up to a narrower type.
struct Limits {
  bool tensor_cores;
  bool transforms;  // Winograd's and Fourier's
  bool any_order;   // sums whose order differs from run to run
  bool compiles;    // at run time, when the plan is made: about a second
  Int workspace;    // bytes at most
};

// The engines that may compute a graph, best first by cuDNN's heuristics. It stands at the first that the
// library accepts within the limits.
class Plan {
 public:
  // `text` names the graph in errors. Throws gpu::Failure where the library refuses the graph itself.
  Plan(OperationGraph graph, const std::string& text, const Target& target, const Limits& limits);
  ~Plan();
  Plan(Plan&&) noexcept;

  bool found() const;  // false: no engine is left, and the caller computes without cuDNN
  void advance();      // to the next engine, where this one failed when it ran
  std::string engine() const;
  Int workspace() const;

  // The graph's tensors by their unique ids: addresses of the device, or of the host where a tensor is a
  // number by value. False where the engine refuses to run: nothing was written then.
  [[nodiscard]] bool run(void* handle, const std::vector<std::pair<Int, void*>>& tensors,
                         void* workspace) const;

 private:
  struct Engines;
  std::unique_ptr<Engines> engines;
};

}  // namespace sonograd::cudnn
