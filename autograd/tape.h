#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "tensor/tensor.h"

namespace sonograd {

class AnyOp;
struct OpEntry;

struct GradientOptions {
  Tensor cotangent = {};  // of y; left out: 1, and y must be a scalar
  bool record = false;    // record backward as well, to differentiate the gradients; keeps the tape
  bool keep = false;      // keep the tape and what it saved for another backward pass
  // Called as soon as a gradient is complete, and the gradient let go after it; gradient() then returns
  // undefined tensors.
  std::function<void(std::size_t which, const Tensor& gradient)> on_gradient = {};
};

// A record of ops in the order in which they ran. Ops on tensors that the tape watches, and on what was
// computed from them, are recorded with the values that their vjp needs; gradient() walks back and lets each
// value go as it passes it.
class Tape {
 public:
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  void watch(Tensor& x);  // x becomes a leaf of this tape

  // d y / d wrt, each of its wrt's shape; zeros where y does not depend on it. Throws Error naming op and
  // layer where a value that backward needs was written over since, and where an earlier call without `keep`
  // used the tape up.
  Tensors gradient(const Tensor& y, const Tensors& wrt, const GradientOptions& options = {});

  Int recorded() const;  // ops on the tape

 private:
  std::shared_ptr<TapeState> state;
};

// f's value and its gradients with respect to the tensors that `wrt` points to. While f runs, these are
// watched in place, so that layers that hold them compute with the watched values; after it no tape knows
// them. It so takes tensors of `wrt` away from an outer tape that watched them, and an op of f on both these
// and what an outer tape knows throws Error: to differentiate twice, use one Tape with `record`.
std::pair<Tensor, Tensors> value_and_gradient(const std::function<Tensor()>& f,
                                              const std::vector<Tensor*>& wrt,
                                              const GradientOptions& options = {});

// into[i] += gradients[i]; takes the gradients over where into is empty.
void accumulate(Tensors& into, const Tensors& gradients);

// While one lives that is on, the ops of this thread that a tape records are not run: what comes out has no
// values, and backward runs those ops whose values it turns out to read. For a pass that repeats one whose
// results are known, and that reads no value itself (layers/recompute.h).
class Deferring {
 public:
  explicit Deferring(bool on);
  ~Deferring();
  Deferring(const Deferring&) = delete;
  Deferring& operator=(const Deferring&) = delete;

 private:
  bool before;
};
bool is_deferring();

bool in_backward();  // whether this thread is inside Tape::gradient

// For apply() alone: the call is put on the tape that knows one of the inputs, and the outputs become known
// to it.
void record_call(const std::shared_ptr<const AnyOp>& op, const OpEntry& entry, const Tensors& inputs,
                 Tensors& outputs);

}  // namespace sonograd
