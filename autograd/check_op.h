#pragma once
#include "autograd/gradcheck.h"
#include "autograd/registry.h"

namespace sonograd {

// One property, over all samples of an op, with the worst of them.
struct Check {
  std::string what;  // refusals, gradient, values on cpu, again on cpu, adjoint on cpu, vjp on cpu
  double max_error = 0;
  double tolerance = 0;
  bool ok = true;
  std::string text = {};  // of the first failure

  void see(double error, double allowed, const std::string& where);
  void fail(const std::string& why);
};

// Everything that registering an op promises:
//   refusals         each bad sample is refused with its text
//   gradient         each gradient sample passes gradcheck in f64 on the reference (in f32 instead, if asked)
// and on each fast device up to `last` that the op has a kernel for (cpu: the cpu alone; gpu: both, and a
// gpu must be there; reference: none),
//   values on cpu    those of the reference in f32, within the sample's tolerance; the same bits twice;
//                    from dense and strided inputs
//   again on cpu     an output that the tape does not keep, made again: the same bits on both devices
//   adjoint on cpu   <dy, y> = <dx, x> within 64 ε max(Σ|dy·y|, Σ|dx·x|) for each argument in which the
//                    op is linear
//   vjp on cpu       the reference's, within four times the sample's tolerance
std::vector<Check> check_op(const OpEntry& op, bool f32 = false, Device last = Device::cpu);

// The last four alone, of one device.
std::vector<Check> check_op_on(Device device, const OpEntry& op);

}  // namespace sonograd
