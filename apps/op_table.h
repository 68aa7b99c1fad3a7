#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace sonograd {

// What the device gives at best, with all threads where it is the CPU: a product of large matrices, and a
// triad a = b + s·c of vectors that no cache holds (McCalpin's STREAM; on the gpu a sum, which moves as
// much).
struct MachineLimits {
  double flops = 1, bytes = 1;  // a second
};
MachineLimits measure_limits(Device device);

// What one op cost, over all its calls.
struct OpCost {
  std::string op;
  std::size_t calls = 0;
  double seconds = 0;
  double flops = 0;          // two a multiply-add
  double bytes = 0;          // of inputs and outputs, each once
  double bound_seconds = 0;  // for each call the larger of its FLOP time and its byte time at the limits

  // Of the time that the limits allow; over 1 where a cache held what the triad takes from memory.
  double share_of_bound() const { return bound_seconds / seconds; }
  bool bound_by_flops(const MachineLimits& limits) const {
    return flops / limits.flops > bytes / limits.bytes;
  }
};

// Runs the work under an observer; the dearest op first. On the gpu seconds are the gpu's own
// (tensor/gpu/clock.h), from the end of the op before on, and the limits those of f32 or TF32, as it is
// asked.
std::vector<OpCost> op_table(const std::function<void()>& work, const MachineLimits& limits, Device device);

void print_ops(const std::vector<OpCost>& table, const MachineLimits& limits);
nlohmann::ordered_json ops_json(const std::vector<OpCost>& table, const MachineLimits& limits);

}  // namespace sonograd
