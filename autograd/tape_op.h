#pragma once
#include "autograd/op.h"

namespace sonograd {

// A call for the tape alone, whose forward pass has run when it is recorded (record_call): it has a vjp, and
// is in no registry.
class TapeOp : public AnyOp {
 public:
  Shapes shapes(const Shapes&) const final { never(); }
  void reference(const Tensors&, Tensors&) const final { never(); }
  bool is_view() const final { return false; }
  Tensor view(const Tensors&) const final { never(); }
  bool saves_output(int) const final { return false; }
  Int macs(const Tensors&, const Tensors&) const final { return 0; }
  const void* attributes() const final { return nullptr; }

 private:
  [[noreturn]] void never() const { throw Error("{} is run by its layer, never as an op", name()); }
};

}  // namespace sonograd
