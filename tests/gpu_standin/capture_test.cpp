// What a recording must not do, on a card and here; and that a launch repeats what was recorded, as it was.
// The numbers in brackets are those of README.md.
#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <thread>

#include "models/zoo.h"
#include "ops/dropout/dropout.h"
#include "ops/matmul/matmul.h"
#include "ops/unary/unary.h"
#include "tensor/gpu/graph.h"
#include "tensor/gpu/launch.h"
#include "tensor/gpu/numbers.h"
#include "tests/gpu_standin/seen.h"
#include "train/step_graph.h"

using namespace sonograd;
using gpu_standin::says;
using gpu_standin::Seen;
using gpu_standin::seen;

namespace {

// A graph of `work`, rehearsed before.
void make(gpu::Graph& graph, const std::function<void()>& work) {
  graph.rehearse(work);
  graph.record(work);
}

// What is said to a call while a stream is captured: no graph comes of it.
Seen while_captured(const std::function<cudaError_t()>& call, cudaError_t expected) {
  cudaGraph_t graph = nullptr;
  gpu::check(cudaStreamBeginCapture(gpu::stream(), cudaStreamCaptureModeThreadLocal), "begin");
  CHECK(call() == expected);
  CHECK(cudaStreamEndCapture(gpu::stream(), &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(graph == nullptr);
  return {gpu_standin::take_faults(), ""};
}

// Of a small model, one after the other, by its graph.
struct Updates {
  Updates() {
    model.initialise(Random(3), DType::f32, Device::gpu);
    freeze_for(model, TrainingPhase::scratch);
    trained = trained_parameters(model);
  }
  void run(Int count) {
    for (; count > 0; --count) graph.update(model, trained, batch, {.step = step++}, adam, 1e-3);
  }

  Model model = make_model({.name = "mini", .image_size = 32});
  std::vector<NamedParameter> trained;
  const Batch batch{Tensor::filled({2, 32, 32, 3}, 100), {0, 1}, {}};
  Adam adam;
  StepGraph graph;
  Int step = 0;
};

}  // namespace

// The first product of the process, at which a workspace that all share would be taken.
TEST_CASE("a product's workspace is the graph's own") {
  const Tensor x = Tensor::filled({5, 29}, 0.5, DType::f32, Device::gpu);
  const Tensor w = Tensor::filled({29, 3}, 0.5, DType::f32, Device::gpu);
  gpu::Readout readout(15);
  gpu::Graph graph;
  const Int live = gpu::live_bytes();
  make(graph, [&] { readout.copy(matmul(x, w)); });
  CHECK(gpu::live_bytes() == live);
  const Tensor other = matmul(x, w);  // its workspace is not the graph's
  graph.launch();
  gpu::synchronise();
  CHECK(readout.values<float>()[14] == 29 * 0.25F);
}

TEST_CASE("nothing runs while it is recorded, and each launch runs it again") {
  Tensor x = Tensor::zeros({3}, DType::f32, Device::gpu);
  float* const to = x.mutable_gpu_data<float>();
  const auto work = [&] { gpu::for_each(3, [=](Int i) { to[i] += 1; }); };
  gpu::Graph graph;
  CHECK(!graph.recorded());
  make(graph, work);
  CHECK(graph.recorded());
  CHECK(x.values() == std::vector<double>(3, 1));  // the rehearsal
  graph.launch();
  graph.launch();
  CHECK(x.values() == std::vector<double>(3, 3));
}

TEST_CASE("what waits, allocates or reads while it is recorded ends the recording [24]") {
  const auto calls = std::vector<std::pair<const char*, std::function<cudaError_t()>>>{
      {"cudaStreamSynchronize", [] { return cudaStreamSynchronize(gpu::stream()); }},
      {"cudaMalloc",
       [] {
         void* block = nullptr;
         return cudaMalloc(&block, 64);
       }},
      {"cudaMallocHost",
       [] {
         void* block = nullptr;
         return cudaMallocHost(&block, 64);
       }},
      {"cudaFree", [] { return cudaFree(reinterpret_cast<void*>(64)); }},
      {"cudaFreeHost", [] { return cudaFreeHost(reinterpret_cast<void*>(64)); }}};
  for (const auto& call : calls) {
    CAPTURE(call.first);
    CHECK(says(while_captured(call.second, cudaErrorStreamCaptureUnsupported), call.first));
  }
  const Tensor x = Tensor::zeros({2}, DType::f32, Device::gpu);
  std::vector<float> host(2);
  CHECK(says(while_captured(
                 [&] {
                   return cudaMemcpyAsync(host.data(), x.gpu_data<float>(), 8, cudaMemcpyDeviceToHost,
                                          gpu::stream());
                 },
                 cudaErrorStreamCaptureUnsupported),
             "a copy of pageable memory"));
  CHECK(says(while_captured(
                 [&] {
                   return cudaMemcpyAsync(host.data(), x.gpu_data<float>(), 8, cudaMemcpyDeviceToHost,
                                          nullptr);
                 },
                 cudaErrorStreamCaptureImplicit),
             "legacy stream"));
  cudaEvent_t event = nullptr;
  gpu::check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "event");
  while_captured([&] { return cudaEventQuery(event); }, cudaErrorStreamCaptureUnsupported);
  while_captured([&] { return cudaStreamWaitEvent(gpu::stream(), event); }, cudaErrorStreamCaptureIsolation);
  gpu::check(cudaEventDestroy(event), "event");
}

TEST_CASE("captures begin and end once, on one thread, and leave their events behind [24]") {
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(gpu::stream(), &graph) == cudaErrorIllegalState);
  CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeThreadLocal) ==
        cudaErrorStreamCaptureUnsupported);
  cudaEvent_t event = nullptr;
  gpu::check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "event");
  gpu::check(cudaStreamBeginCapture(gpu::stream(), cudaStreamCaptureModeThreadLocal), "begin");
  CHECK(cudaStreamBeginCapture(gpu::stream(), cudaStreamCaptureModeThreadLocal) == cudaErrorIllegalState);
  gpu::check(cudaEventRecord(event, gpu::stream()), "record");
  std::thread([&] {
    CHECK(cudaStreamEndCapture(gpu::stream(), &graph) == cudaErrorStreamCaptureWrongThread);
  }).join();
  gpu::check(cudaStreamEndCapture(gpu::stream(), &graph), "end");
  CHECK(cudaEventSynchronize(event) == cudaErrorCapturedEvent);
  gpu::check(cudaEventDestroy(event), "event");
  cudaGraphExec_t executable = nullptr;
  gpu::check(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
  gpu::check(cudaGraphDestroy(graph), "destroy");
  CHECK(cudaGraphInstantiate(&executable, graph, 0) == cudaErrorInvalidValue);
  gpu::check(cudaGraphLaunch(executable, gpu::stream()), "launch");
  CHECK(says(seen([&] { gpu::check(cudaGraphExecDestroy(executable), "destroy"); }), "under way"));
  gpu::synchronise();
  gpu::check(cudaGraphExecDestroy(executable), "destroy");
  CHECK(cudaGraphLaunch(executable, gpu::stream()) == cudaErrorInvalidValue);
}

TEST_CASE("a step that reads a value, or gives one to the gpu, cannot be recorded and says which call [24]") {
  const Tensor x = Tensor::filled({2}, 3, DType::f32, Device::gpu);
  Tensor there = Tensor::zeros({1}, DType::f32, Device::gpu);
  const float value = 2;
  for (const bool upload : {false, true}) {
    const auto work = [&] {
      relu(x);
      upload ? gpu::upload(there.mutable_gpu_data<float>(), &value, 4) : (void)x.at(0);
    };
    gpu::Graph graph;
    graph.rehearse(work);
    const Seen result = seen([&] { graph.record(work); });
    CHECK(result.thrown.find(upload ? "would repeat them" : "cudaMemcpyAsync") != std::string::npos);
    CHECK(!graph.recorded());
    CHECK(relu(x).at(0) == 3);  // work goes on
  }
}

TEST_CASE("a recording gets its rehearsal's memory, call for call, and no other [24]") {
  const Tensor x = Tensor::filled({8}, 2, DType::f32, Device::gpu);
  std::vector<const float*> at[2];
  bool more = false;
  const auto work = [&] {
    auto& list = at[gpu::recording()];
    const Tensor y = relu(x);
    Tensor z = square(y);
    list = {y.gpu_data<float>(), z.gpu_data<float>()};
    z = Tensor();
    list.push_back(sqrt(y).gpu_data<float>());
    if (more) relu(y);
  };
  gpu::Graph graph;
  make(graph, work);
  CHECK(at[0] == at[1]);
  CHECK(at[0][2] == at[0][1]);  // what is let go is used again
  gpu::Graph other;
  other.rehearse(work);
  more = true;
  CHECK(seen([&] { other.record(work); }).thrown.find("other memory than in its rehearsal") !=
        std::string::npos);
  CHECK(!other.recorded());
  more = false;
  std::optional<Tensor> kept;  // of the rehearsal, where the recording would write
  gpu::Graph third;
  third.rehearse([&] { kept = relu(x); });
  CHECK(seen([&] { third.record([&] { relu(x); }); }).thrown.find("other memory") != std::string::npos);
  CHECK(kept->at(0) == 2);
}

TEST_CASE("a graph's memory is its own while it lives, and goes back with it") {
  const std::size_t blocks = gpu_standin::live_blocks();
  const Int live = gpu::live_bytes();
  {
    const Tensor x = Tensor::filled({1 << 16}, 2, DType::f32, Device::gpu);
    Tensor kept;
    {
      gpu::Graph graph;
      graph.rehearse([&] { relu(square(x)); });
      graph.record([&] { kept = relu(square(x)); });
      graph.launch();
      CHECK(kept.at(1) == 4);
      const Tensor outside = Tensor::filled({1 << 16}, 7, DType::f32, Device::gpu);
      graph.launch();
      CHECK(outside.at(5) == 7);
    }
    CHECK(kept.at(1) == 4);  // it outlives the graph
  }
  CHECK(gpu::live_bytes() == live);
  CHECK(gpu_standin::live_blocks() == blocks);
}

TEST_CASE("a graph whose memory was freed is not launched [24]") {
  gpu::Graph graph;
  Tensor to = Tensor::zeros({2}, DType::f32, Device::gpu);
  {
    const Tensor x = Tensor::filled({2}, 2, DType::f32, Device::gpu);
    float* const y = to.mutable_gpu_data<float>();
    const float* const from = x.gpu_data<float>();
    make(graph, [&] { gpu::for_each(2, [=](Int i) { y[i] = from[i]; }); });
    graph.launch();
    CHECK(to.at(1) == 2);
  }
  const char* const pool = std::getenv("SONOGRAD_GPU_POOL");
  if (pool && pool == std::string("0"))
    CHECK(says(seen([&] { graph.launch(); }), "freed since it was captured"));
  std::optional<gpu::Readout> readout(2);
  gpu::Graph reading;
  make(reading, [&] { readout->copy(to); });
  readout.reset();
  CHECK(says(seen([&] { reading.launch(); }), "8 bytes of the host"));
}

TEST_CASE("a readout is there once the launch is done, not before") {
  Tensor x = Tensor::filled({2}, 3, DType::f32, Device::gpu);
  gpu::Readout readout(2);
  gpu::Graph graph;
  make(graph, [&] { readout.copy(x); });
  x.fill(5);
  graph.launch();
  CHECK(!(readout.values<float>()[1] == 5));
  gpu::synchronise();
  CHECK(readout.values<float>()[1] == 5);
}

TEST_CASE("a draw by a counter that was given by value repeats itself, by the update's it does not") {
  const Tensor x = Tensor::filled({4, 64}, 1, DType::f32, Device::gpu);
  const auto masks = [&](bool by_value) {
    gpu::LiveNumbers numbers;
    gpu::Graph graph;
    gpu::Readout readout(x.elements());
    std::uint64_t step = 0;
    const auto work = [&] {
      std::optional<gpu::LiveNumbers::Scope> scope;
      if (!by_value) scope.emplace(numbers);
      readout.copy(dropout(x, {.rate = 0.5, .random = Random(3).at(step)}));
    };
    std::vector<std::vector<float>> all;
    for (; step < 4; ++step) {
      numbers.set({.step = step});
      if (step == 0) graph.rehearse(work);
      if (step == 1) graph.record(work);
      if (step > 0) graph.launch();
      gpu::synchronise();
      all.emplace_back(readout.values<float>(), readout.values<float>() + x.elements());
    }
    return all;
  };
  const auto frozen = masks(true), live = masks(false);
  CHECK(frozen[1] == frozen[2]);
  CHECK(live[0] == frozen[0]);
  CHECK(live[1] == frozen[1]);
  CHECK(live[1] != live[2]);
  CHECK(live[2] != live[3]);
}

TEST_CASE("an update that cannot be recorded is an error of one line that says which call") {
  const auto error = [](const char* call, cudaError_t status) {
    Updates updates;
    updates.run(2);
    gpu_standin::fail_call(call, status);
    return seen([&] { updates.run(1); }).thrown;
  };
  for (const char* call :
       {"cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate", "cudaGraphLaunch"})
    CHECK(error(call, cudaErrorInvalidValue) ==
          fmt::format(
              "update 3, as a graph: {}: an error of the stand-in (cudaErrorInvalidValue); train without "
              "--cuda-graph, from the last checkpoint on",
              call));
}

TEST_CASE("a launched update waits once, and a profiler sees it by its number") {
  Updates updates;
  updates.run(3);
  gpu_standin::take_ranges();
  const std::size_t waits = gpu_standin::waits(), launches = gpu_standin::launches(),
                    graphs = gpu_standin::graph_launches();
  updates.run(1);
  CHECK(gpu_standin::waits() == waits + 1);
  CHECK(gpu_standin::launches() == launches);  // no kernel is launched by itself
  CHECK(gpu_standin::graph_launches() == graphs + 1);
  const std::vector<std::string> ranges = gpu_standin::take_ranges();
  if (!ranges.empty()) CHECK(ranges == std::vector<std::string>{"update 4"});
}
