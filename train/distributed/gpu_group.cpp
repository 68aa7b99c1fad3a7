#include "train/distributed/gpu_group.h"

#include <cstdlib>
#include <exception>

#include "tensor/gpu/nccl.h"

namespace sonograd {
namespace {

class GpuGroup final : public Group {
 public:
  GpuGroup(Group& host, const std::string& id) : host(host), gpus(nccl::join(id, host.rank(), host.size())) {}

  // Others may be long behind, as the first process is that evaluates: they are awaited asleep. After an
  // exception nobody is: it is a failure, as for an end on which all agree this group is let go before.
  ~GpuGroup() override {
    if (std::uncaught_exceptions() == exceptions) host.barrier();
  }

  Int rank() const override { return host.rank(); }
  Int size() const override { return host.size(); }
  Int on_this_machine() const override { return host.on_this_machine(); }
  Int place_here() const override { return host.place_here(); }

  void begin_sum(Tensor x) override {
    if (x.device() != Device::gpu) return host.begin_sum(std::move(x));
    check(x);
    gpus->begin_sum(std::move(x));
  }
  void finish() override {
    gpus->finish();
    host.finish();
  }
  std::string order_of_sums() const override {
    return fmt::format("NCCL {}'s own, the same in each run on the same gpus and network", nccl::version());
  }

  void broadcast(Tensor x, Int from) override {
    if (x.device() != Device::gpu) return host.broadcast(std::move(x), from);
    check(x);
    gpus->begin_broadcast(std::move(x), from);
    gpus->finish();
  }
  void broadcast(std::string& bytes, Int from) override { host.broadcast(bytes, from); }

  void barrier() override { host.barrier(); }
  [[noreturn]] void abort(int status) override {
    host.abort(status);
    std::abort();  // for compilers that cannot know
  }

 private:
  static void check(const Tensor& x) {
    expect(x.dense(), "processes exchange dense tensors, not a view {}", x.shape().text());
  }

  Group& host;
  const int exceptions = std::uncaught_exceptions();
  const std::unique_ptr<nccl::Communicator> gpus;
};

}  // namespace

std::unique_ptr<Group> join_gpus(Group& group, Device device) {
  if (group.alone()) return nullptr;
  const auto with_gpu = static_cast<Int>(sum_over(group, {device == Device::gpu ? 1.0 : 0.0})[0]);
  if (with_gpu == 0) return nullptr;
  expect(
      with_gpu == group.size(),
      "{} of {} processes have a gpu; give all the same --device, and start no more processes on a machine "
      "than it has gpus",
      with_gpu, group.size());
  std::string id = group.leads() ? nccl::new_id() : "";
  group.broadcast(id);
  return std::make_unique<GpuGroup>(group, id);
}

}  // namespace sonograd
