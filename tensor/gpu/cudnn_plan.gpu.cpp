#include "tensor/gpu/cudnn_plan.h"

#include <algorithm>
#include <optional>

#include "tensor/gpu/cudnn.h"

namespace sonograd::cudnn {
namespace {

bool allowed(cudnnBackendNumericalNote_t note, const Limits& limits) {
  switch (note) {
    case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      return limits.any_order;
    case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
    case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
      return false;
    case CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP:
      return true;
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
      return limits.tensor_cores;
    default:
      return limits.transforms;
  }
}

// What the engine notes about itself.
bool allowed(const Descriptor& engine, const Limits& limits) {
  for (const auto note : engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                                                 CUDNN_NUMERICAL_NOTE_TYPE_COUNT))
    if (!allowed(note, limits)) return false;
  for (const auto note : engine.get<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                                                CUDNN_BEHAVIOR_NOTE_TYPE_COUNT))
    if (note == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION && !limits.compiles) return false;
  return true;
}

Descriptor described(std::vector<Descriptor> operations, const std::string& text, cudnnHandle_t handle) {
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, text);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::move(operations));
  if (handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
  return std::move(graph.finalize());
}

}  // namespace

struct Target::Parts {
  cudnnHandle_t handle = nullptr;
  std::optional<Descriptor> device = {};  // without a handle
};

Target::Target(void* handle)
    : parts(std::make_unique<Parts>(Parts{.handle = static_cast<cudnnHandle_t>(handle)})) {}
Target::Target(const std::string& properties) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "device");
  device
      .set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::vector<char>(properties.begin(), properties.end()))
      .finalize();
  parts = std::make_unique<Parts>(Parts{.device = std::move(device)});
}
Target::~Target() = default;

struct Plan::Engines {
  std::string text;
  Limits limits;
  std::deque<Descriptor> tensors;
  Descriptor graph;
  std::vector<Descriptor> candidates = {};  // engine configurations
  std::size_t next = 0;                     // the first that was not tried
  std::optional<Descriptor> plan = {};      // of the present candidate
  std::string name = {};
  Int workspace = 0;
};

Plan::Plan(OperationGraph graph, const std::string& text, const Target& target, const Limits& limits)
    : engines(std::make_unique<Engines>(
          Engines{text, limits, std::move(graph.tensors),
                  described(std::move(graph.operations), text, target.parts->handle)})) {
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "heuristics for " + text);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, engines->graph)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (target.parts->device) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.parts->device);
    if (!heuristics.try_finalize()) continue;
    for (Descriptor& candidate : heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "an engine for " + text))
      engines->candidates.push_back(std::move(candidate));
  }
  advance();
}
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;

void Plan::advance() {
  engines->plan.reset();
  while (engines->next < engines->candidates.size()) {
    const Descriptor& candidate = engines->candidates[engines->next++];
    const Descriptor engine = std::move(
        candidate.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, "an engine")[0]);
    if (!allowed(engine, engines->limits)) continue;
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "a plan for " + engines->text);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, candidate);
    if (!plan.try_finalize()) continue;
    engines->workspace = plan.get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1)[0];
    if (engines->workspace > engines->limits.workspace) continue;
    engines->name = std::to_string(engine.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1)[0]);
    engines->plan = std::move(plan);
    return;
  }
}

bool Plan::found() const {
  return engines->plan.has_value();
}
std::string Plan::engine() const {
  return engines->name;
}
Int Plan::workspace() const {
  return engines->workspace;
}

bool Plan::run(void* handle, const std::vector<std::pair<Int, void*>>& tensors, void* workspace) const {
  std::vector<int64_t> ids;
  std::vector<void*> addresses;
  for (const auto& [id, address] : tensors) ids.push_back(id), addresses.push_back(address);
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "addresses for " + engines->text);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, addresses)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace)
      .finalize();
  const cudnnStatus_t status =
      functions().execute(static_cast<cudnnHandle_t>(handle), engines->plan->get(), pack.get());
  if (!refuses(status)) check(status, "cudnnBackendExecute", engines->text);
  return status == CUDNN_STATUS_SUCCESS;
}

}  // namespace sonograd::cudnn
