// Each call of CUDA's runtime, cuDNN and cuBLASLt fails in its turn: an error that names it, nothing left
// behind, and work that goes on.
#include <cublasLt.h>
#include <cudnn.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <thread>

#include "autograd/tape.h"
#include "models/zoo.h"
#include "ops/attention/attention.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/conv2d/conv2d.h"
#include "ops/matmul/matmul.h"
#include "ops/reduce/reduce.h"
#include "tensor/gpu/policy.h"
#include "tensor/gpu/runtime.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"
#include "train/step.h"
#include "train/step_graph.h"

using namespace sonograd;
using gpu_standin::fail_call;
using gpu_standin::says;
using gpu_standin::Seen;
using gpu_standin::seen;

namespace {

bool begins(const std::string& name, const char* with) {
  return name.rfind(with, 0) == 0;
}

// A failure that no other engine and no second try would mend: a bad argument, or a kernel that failed.
int status_for(const std::string& name) {
  if (begins(name, "cublasLt")) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (begins(name, "cudnn")) return CUDNN_STATUS_EXECUTION_FAILED;
  return cudaErrorInvalidValue;
}

// A failure to give something back, or to fill it with NaN then, has nobody to be told to: work goes on.
bool gives_back(const std::string& name) {
  return begins(name, "cudaFree") || name.find("Destroy") != std::string::npos;
}
bool fills(const std::string& name) {
  return name == "cudaMemsetAsync";
}

// Of so many calls of one name those that fail: all with SONOGRAD_FULL=1.
std::set<std::size_t> chosen(std::size_t count) {
  std::set<std::size_t> turns{0, count / 2, count - 1};
  if (std::getenv("SONOGRAD_FULL"))
    for (std::size_t turn = 0; turn < count; ++turn) turns.insert(turn);
  return turns;
}

using Calls = std::map<std::string, std::size_t>;
Calls calls_of(const std::function<void()>& work) {
  gpu_standin::take_calls();
  work();
  return gpu_standin::take_calls();
}

// What is held when nothing is under way.
struct Held {
  std::size_t objects = gpu_standin::live_objects();
  Int bytes = gpu::live_bytes();
};

// Work whose call fails, and the same once more, which ends as if nothing had been.
void check_failing(const std::string& name, std::size_t turn, const std::function<void()>& work,
                   const std::function<void()>& again) {
  CAPTURE(name);
  CAPTURE(turn);
  fail_call(name, status_for(name), static_cast<int>(turn));
  const Seen failed = seen(work);
  CHECK(failed.faults.empty());
  if (!fills(name)) CHECK(failed.thrown.empty() == gives_back(name));
  const bool of_library = name == "cudaLaunchKernelEx" && (says(failed, "cublasLt") || says(failed, "cudnn"));
  if (!failed.thrown.empty()) CHECK_MESSAGE((says(failed, name) || of_library), failed.thrown);
  const Seen after = seen(again);
  CHECK(after.faults.empty());
  CHECK(after.thrown == "");
}

// The first updates of a small model.
struct Updates {
  explicit Updates(bool as_graph = false) : as_graph(as_graph) {
    model.initialise(Random(3), DType::f32, Device::gpu);
    freeze_for(model, TrainingPhase::scratch);
    trained = trained_parameters(model);
  }
  double run(Int count = 1) {
    StepResult result;
    for (; count > 0; --count) {
      const StepOptions options{.random = Random(7), .step = step++};
      result = as_graph ? graph.update(model, trained, batch, options, adam, 1e-3)
                        : train_step(model, trained, batch, options, adam, 1e-3);
    }
    return result.loss;
  }

  bool as_graph;
  Model model = make_model({.name = "mini", .image_size = 32});
  std::vector<NamedParameter> trained;
  const Batch batch{Tensor::filled({1, 32, 32, 3}, 100), {1}, {}};
  Adam adam;
  StepGraph graph;
  Int step = 0;
};

}  // namespace

TEST_CASE("a call that fails in an update is an error that names it, and other updates go on as ever") {
  while (calls_of([] { Updates().run(); }).count("cudaMallocHost") > 0) {
  }  // until each buffer of uploads is there
  double loss = 0;
  std::optional<Updates> whole(std::in_place);
  const Calls calls = calls_of([&] { loss = whole->run(); });
  CHECK(calls.size() > 8);
  whole.reset();
  Held held;
  for (const auto& [name, count] : calls)
    for (const std::size_t turn : chosen(count)) {
      std::optional<Updates> updates(std::in_place);
      check_failing(
          name, turn, [&] { updates->run(); },
          [&] {
            updates.reset();
            CHECK(Updates().run() == loss);
          });
      CAPTURE(name);
      const Held now;
      CHECK(now.bytes == held.bytes);
      CHECK(now.objects <= held.objects + (gives_back(name) ? 1 : 0));  // what could not be given back stays
      held = now;
    }
}

TEST_CASE("a call that fails in an update as a graph is an error that names it") {
  Updates(true).run(4);
  for (const Int before : {1, 2, 3}) {  // the next one is rehearsed, recorded or launched
    CAPTURE(before);
    Updates first(true);
    first.run(before);
    const Calls calls = calls_of([&] { first.run(); });
    for (const auto& [name, count] : calls) {
      if (gives_back(name)) continue;
      Updates updates(true);
      updates.run(before);
      check_failing(
          name, count / 2, [&] { updates.run(); },
          [&] {
            Updates other(true);
            CHECK(other.run(before + 1) >= 0);
            if (before == 2) CHECK(other.graph.launched());
          });
    }
  }
}

namespace {

// Ops that make plans and descriptors, summed up. A `size` not met before needs new plans.
double ops_of(Int size) {
  const auto filled = [](const Shape& shape) { return Tensor::filled(shape, 0.5, DType::f32, Device::gpu); };
  Tensor x = filled({1, size, 5, 3}), w = filled({3, 3, 3, 4});
  const auto [value, gradients] = value_and_gradient(
      [&] {
        return sum(batch_norm_train(conv2d(x, w), filled({4}), filled({4})).y, {0, 1, 2, 3});
      },
      {&x, &w});
  const Tensor q = filled({1, size, 8});
  double sums = value.item();
  for (const Tensor& each : {gradients[0], gradients[1], matmul(filled({size, 6}), filled({6, 2})),
                             attention(q, q, q, 1, Precision::bf16)})
    for (const double y : each.values()) sums += y;
  return sums;
}

Int new_size() {
  static Int size = 9;
  return ++size;
}

struct ByCudnn {
  ByCudnn() { gpu::policy() = {.cudnn_batch_norm = true, .cudnn_attention = true}; }
  ~ByCudnn() { gpu::policy() = {}; }
};

}  // namespace

TEST_CASE("a call that fails while something is planned leaves no plan behind, and the next one is whole") {
  const ByCudnn on;
  ops_of(new_size());
  Held held;
  const auto kept = [&] {  // since asked last
    const Held before = std::exchange(held, Held());
    CHECK(held.bytes == before.bytes);
    return held.objects - before.objects;
  };
  const Calls calls = calls_of([] { ops_of(new_size()); });
  CHECK(calls.size() > 25);
  const std::size_t each = kept();
  for (const auto& [name, count] : calls) {
    if (gives_back(name)) continue;
    for (const std::size_t turn : chosen(count)) {
      const Int size = new_size();
      double sums = 0;
      check_failing(
          name, turn, [&] { ops_of(size); }, [&] { sums = ops_of(size); });
      CHECK(kept() == each);
      CHECK(sums == ops_of(size));
    }
  }
}

TEST_CASE("a call that fails as a thread begins is made again by the next op of it") {
  const ByCudnn on;
  const Int size = new_size();
  const double sums = ops_of(size);
  for (const char* name : {"cudaSetDevice", "cublasLtCreate", "cudnnCreate", "cudnnSetStream"})
    std::thread([&] {
      check_failing(
          name, 0, [&] { ops_of(size); }, [&] { CHECK(ops_of(size) == sums); });
    }).join();
}

TEST_CASE("memory that cannot be had is an error, after which it is asked for again") {
  std::vector<float> host(3 << 20, 1);  // more than was staged before
  Tensor x = Tensor::empty({3 << 20}, DType::f32, Device::gpu);
  const auto upload = [&] { gpu::upload(x.mutable_gpu_data<float>(), host.data(), x.elements() * 4); };
  for (const char* name : {"cudaMallocHost", "cudaMemcpyAsync", "cudaEventRecord"})
    check_failing(name, 0, upload, upload);
  host.assign(host.size(), 2);
  fail_call("cudaEventRecord", cudaErrorInvalidValue);
  seen(upload);  // whose copy is under way
  for (const float value : {3.0F, 4.0F}) {
    host.assign(host.size(), value);
    Tensor other = Tensor::empty({1 << 20}, DType::f32, Device::gpu);
    gpu::upload(other.mutable_gpu_data<float>(), host.data(), other.elements() * 4);
  }
  CHECK(x.at(5) == 2);
  const std::size_t objects = gpu_standin::live_objects();
  check_failing(
      "cudaEventCreateWithFlags", 0, [] { const gpu::Event event; }, [] { const gpu::Event event; });
  CHECK(gpu_standin::live_objects() == objects);
}

TEST_CASE("an error that ends the use of the gpu says so at every call, of the libraries too") {
  const double loss = Updates().run(1);
  const Int bytes = gpu::live_bytes();
  std::optional<Updates> whole(std::in_place);
  const Calls calls = calls_of([&] { whole->run(); });
  whole.reset();
  for (const auto& [name, count] : calls) {
    if (begins(name, "cublasLt") || begins(name, "cudnn") || gives_back(name) || fills(name)) continue;
    CAPTURE(name);
    std::optional<Updates> updates(std::in_place);
    const auto thrown = [&] {
      try {
        updates->run();
      } catch (const Error& error) {
        return std::string(error.what());
      }
      return std::string();
    };
    fail_call(name, cudaErrorIllegalAddress, static_cast<int>(count / 2));
    for (int turn = 0; turn < 2; ++turn)
      CHECK(thrown().find("; the gpu is lost to this process, start it again") != std::string::npos);
    updates.reset();
    CHECK(gpu_standin::take_faults().empty());
    CHECK(Updates().run() == loss);
    CHECK(gpu::live_bytes() == bytes);  // with what ops keep of the last weights
  }
  const Tensor x = Tensor::filled({4, 4}, 0.5, DType::f32, Device::gpu);
  matmul(x, x);
  fail_call("cudaLaunchKernelEx", cudaErrorIllegalAddress);  // which the library is told of
  CHECK(says(seen([&] { matmul(x, x); }),
             "cublasLtMatmul of sizes 4, 4, 4, 1: an invalid value or state (13); "
             "the gpu is lost to this process, start it again"));
}
