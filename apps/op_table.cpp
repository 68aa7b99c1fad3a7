#include "apps/op_table.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "base/parallel.h"
#include "ops/binary/binary.h"
#include "ops/matmul/matmul.h"
#include "tensor/gpu/clock.h"
#include "tensor/gpu/gpu.h"

namespace sonograd {
namespace {

// The least seconds of a few runs: a limit is what nothing disturbed.
template <class F>
double least_seconds(F work) {
  double least = 1e9;
  for (int i = 0; i < 7; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

MachineLimits limits_of_cpu() {
  constexpr Int n = 1536, length = Int{1} << 24;  // 14 MB of matrices in all, three vectors of 64 MB
  const Tensor square = Tensor::filled({n, n}, 1);
  const double product = least_seconds([&] { matmul(square, square); });
  Tensor sum = Tensor::zeros({length});
  const Tensor b = Tensor::filled({length}, 1), c = Tensor::filled({length}, 2);
  float* const to = sum.mutable_data<float>();
  const float *const from_b = b.data<float>(), *const from_c = c.data<float>();
  const double triad = least_seconds([&] {
    parallel_for(length, 65536, [&](Int begin, Int end) {
      for (Int i = begin; i < end; ++i) to[i] = from_b[i] + 3.0f * from_c[i];
    });
  });
  return {2.0 * n * n * n / product, 3.0 * sizeof(float) * length / triad};
}

template <class F>
double least_on_gpu(F work) {
  work();  // makes what it needs
  gpu::Clock clock;
  for (int i = 0; i < 7; ++i) {
    clock.start();
    work();
    clock.stop();
  }
  const std::vector<double> all = clock.seconds();
  return *std::min_element(all.begin(), all.end());
}

MachineLimits limits_of_gpu() {
  const Int n = Int{64} * gpu::multiprocessors(), length = (Int{1} << 20) * gpu::multiprocessors();
  const auto filled = [](const Shape& shape) { return Tensor::filled(shape, 1, DType::f32, Device::gpu); };
  const Tensor square = filled({n, n}), b = filled({length}), c = filled({length});
  const double product = least_on_gpu([&] { matmul(square, square); }),
               sum = least_on_gpu([&] { add(b, c); });
  return {2.0 * static_cast<double>(n * n * n) / product,
          3.0 * sizeof(float) * static_cast<double>(length) / sum};
}

}  // namespace

MachineLimits measure_limits(Device device) {
  const NoGrad quiet;
  return device == Device::gpu ? limits_of_gpu() : limits_of_cpu();
}

std::vector<OpCost> op_table(const std::function<void()>& work, const MachineLimits& limits, Device device) {
  struct Call {
    std::string op;
    double flops, bytes, seconds;
  };
  std::vector<Call> calls;
  std::unique_ptr<gpu::Clock> clock;
  if (device == Device::gpu) {
    clock = std::make_unique<gpu::Clock>();
    clock->start();
  }
  {
    const Observer observer([&](const Observation& seen) {
      double bytes = 0;
      if (!seen.op.is_view)
        for (const Tensors* list : {&seen.inputs, &seen.outputs})
          for (const Tensor& x : *list) bytes += static_cast<double>(x.elements() * size_of(x.dtype()));
      calls.push_back({seen.op.name, 2 * static_cast<double>(seen.call.macs(seen.inputs, seen.outputs)),
                       bytes, seen.seconds});
      if (clock) {  // which began at the end of the op before
        clock->stop();
        clock->start();
      }
    });
    work();
  }
  if (clock) {
    clock->stop();
    const std::vector<double> seconds = clock->seconds();
    const double none = least_on_gpu([] {});  // between two marks with nothing between them
    for (std::size_t i = 0; i < calls.size(); ++i) calls[i].seconds = std::max(seconds[i] - none, 1e-9);
  }
  std::map<std::string, OpCost> table;
  for (const Call& call : calls) {
    OpCost& cost = table[call.op];
    cost.op = call.op;
    ++cost.calls;
    cost.seconds += call.seconds;
    cost.flops += call.flops;
    cost.bytes += call.bytes;
    cost.bound_seconds += std::max(call.flops / limits.flops, call.bytes / limits.bytes);
  }
  std::vector<OpCost> rows;
  rows.reserve(table.size());
  for (const auto& [name, cost] : table) rows.push_back(cost);
  std::sort(rows.begin(), rows.end(), [](const OpCost& a, const OpCost& b) { return a.seconds > b.seconds; });
  return rows;
}

void print_ops(const std::vector<OpCost>& table, const MachineLimits& limits) {
  OpCost all{.op = "all ops of one run"};
  for (const OpCost& cost : table) {
    all.calls += cost.calls;
    all.seconds += cost.seconds;
    all.flops += cost.flops;
    all.bytes += cost.bytes;
    all.bound_seconds += cost.bound_seconds;
  }
  fmt::print(
      "limits of this machine: {:.0f} GFLOP/s (a product of matrices), {:.1f} GB/s (a sum of vectors)\n",
      1e-9 * limits.flops, 1e-9 * limits.bytes);
  fmt::print("{:<32} {:>6} {:>10} {:>7} {:>10} {:>8} {:>9}\n", "op", "calls", "ms", "share", "GFLOP/s",
             "GB/s", "of bound");
  const auto row = [&](const OpCost& cost, const char* bound) {
    fmt::print("{:<32} {:>6} {:>10.2f} {:>6.1f}% {:>10.1f} {:>8.1f} {:>8.0f}% {}\n", cost.op, cost.calls,
               1e3 * cost.seconds, 100 * cost.seconds / all.seconds, 1e-9 * cost.flops / cost.seconds,
               1e-9 * cost.bytes / cost.seconds, 100 * cost.share_of_bound(), bound);
  };
  for (const OpCost& cost : table) row(cost, cost.bound_by_flops(limits) ? "FLOP" : "bytes");
  row(all, "");
  fmt::print(
      "of bound: of each call the time that its FLOPs or its bytes need at these limits, whichever is more, "
      "beside the time taken in a run of its own; over 100 % where a cache held the tensors\n");
}

nlohmann::ordered_json ops_json(const std::vector<OpCost>& table, const MachineLimits& limits) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpCost& cost : table)
    rows.push_back({{"op", cost.op},
                    {"calls", cost.calls},
                    {"ms", 1e3 * cost.seconds},
                    {"gflops", 1e-9 * cost.flops / cost.seconds},
                    {"gb_per_s", 1e-9 * cost.bytes / cost.seconds},
                    {"share_of_bound", cost.share_of_bound()},
                    {"bound", cost.bound_by_flops(limits) ? "flop" : "bytes"}});
  return {{"limit_gflops", 1e-9 * limits.flops}, {"limit_gb_per_s", 1e-9 * limits.bytes}, {"rows", rows}};
}

}  // namespace sonograd
