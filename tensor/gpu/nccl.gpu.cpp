#include "tensor/gpu/nccl.h"

#include <nccl.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "base/shared_library.h"
#include "tensor/gpu/lost.h"
#include "tensor/gpu/runtime.h"

namespace sonograd::nccl {
namespace {

struct Functions {
  decltype(&ncclGetVersion) version;
  decltype(&ncclGetErrorString) error_string;
  decltype(&ncclGetLastError) last_error;
  decltype(&ncclGetUniqueId) unique_id;
  decltype(&ncclCommInitRank) init;
  decltype(&ncclCommGetAsyncError) async_error;
  decltype(&ncclCommDestroy) destroy;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclBroadcast) broadcast;
};

const Functions& functions() {
  static const Functions found = [] {
    const SharedLibrary library("libnccl.so.2");
    Functions f{};
    SONOGRAD_FIND(library, f, version, ncclGetVersion);
    SONOGRAD_FIND(library, f, error_string, ncclGetErrorString);
    SONOGRAD_FIND(library, f, last_error, ncclGetLastError);
    SONOGRAD_FIND(library, f, unique_id, ncclGetUniqueId);
    SONOGRAD_FIND(library, f, init, ncclCommInitRank);
    SONOGRAD_FIND(library, f, async_error, ncclCommGetAsyncError);
    SONOGRAD_FIND(library, f, destroy, ncclCommDestroy);
    SONOGRAD_FIND(library, f, all_reduce, ncclAllReduce);
    SONOGRAD_FIND(library, f, broadcast, ncclBroadcast);
    return f;
  }();
  return found;
}

// "ncclAllReduce of 12 f32: unhandled cuda error (1)", and what the library noted of it, if anything
void check(ncclResult_t status, const std::string& call) {
  if (status == ncclSuccess) return;
  const char* const noted = functions().last_error(nullptr);
  throw gpu::Failure("NCCL: {}: {} ({}){}{}{}", call, functions().error_string(status),
                     static_cast<int>(status), noted && *noted ? "; " : "", noted ? noted : "", gpu::lost());
}

struct Stream {
  cudaStream_t stream = nullptr;
  Stream() {
    gpu::use_our_gpu();
    gpu::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  ~Stream() { cudaStreamDestroy(stream); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
};

class Nccl final : public Communicator {
 public:
  Nccl(const std::string& id, Int rank, Int size) : place(fmt::format("process {} of {}", rank + 1, size)) {
    ncclUniqueId unique{};
    expect(id.size() == sizeof unique, "an id of NCCL has {} bytes, not {}", sizeof unique, id.size());
    std::memcpy(&unique, id.data(), sizeof unique);
    check(functions().init(&ours->comm, static_cast<int>(size), unique, static_cast<int>(rank)),
          "ncclCommInitRank by " + place);
    asked_before = std::exchange(gpu::while_waiting(), [this] { look(); });
  }

  // ncclCommDestroy and ncclCommAbort return once all processes of a machine have called them, which after a
  // failure the others may never do: all is left as it is then, for the end of the processes, whose reason
  // would else never be said. What the last calls of a library say is nobody's any more.
  ~Nccl() override {
    gpu::while_waiting() = asked_before;
    if (std::uncaught_exceptions() == exceptions && cudaStreamSynchronize(ours->side.stream) == cudaSuccess) {
      functions().destroy(ours->comm);
      return;
    }
    static auto* const left = new std::vector<std::unique_ptr<Ours>>;
    left->push_back(std::move(ours));
  }

  void begin_sum(Tensor x) override {
    begin("ncclAllReduce", std::move(x), [this](void* data, std::size_t count, ncclDataType_t type) {
      return functions().all_reduce(data, data, count, type, ncclSum, ours->comm, ours->side.stream);
    });
  }

  void begin_broadcast(Tensor x, Int from) override {
    begin("ncclBroadcast", std::move(x), [=, this](void* data, std::size_t count, ncclDataType_t type) {
      return functions().broadcast(data, data, count, type, static_cast<int>(from), ours->comm,
                                   ours->side.stream);
    });
  }

  void finish() override {
    if (ours->busy.empty()) return;
    ours->arrived.record(ours->side.stream);
    ours->arrived.hold_back(gpu::stream());
    ours->busy.clear();
  }

 private:
  struct Ours {
    const Stream side;
    gpu::Event made, arrived;
    Tensors busy;  // given back to the pool, which knows our stream alone, once that comes after the other
    ncclComm_t comm = nullptr;
  };

  void begin(const char* call, Tensor x, const auto& with) {
    if (x.elements() == 0) return;
    with_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      T* const data = x.mutable_gpu_data<T>();
      ours->made.record();
      ours->made.hold_back(ours->side.stream);
      check(with(data, static_cast<std::size_t>(x.elements()),
                 std::is_same_v<T, float> ? ncclFloat32 : ncclFloat64),
            fmt::format("{} of {} {} by {}", call, x.elements(), name_of(x.dtype()), place));
    });
    ours->busy.push_back(std::move(x));
  }

  void look() {
    ncclResult_t state = ncclSuccess;
    check(functions().async_error(ours->comm, &state), "ncclCommGetAsyncError by " + place);
    if (state == ncclSuccess || state == ncclInProgress) return;
    std::this_thread::sleep_for(patience);
    check(state, "the work of " + place + " with the others");
  }

  const std::string place;
  const int exceptions = std::uncaught_exceptions();
  std::unique_ptr<Ours> ours = std::make_unique<Ours>();
  std::function<void()> asked_before;
};

}  // namespace

std::string version() {
  int number = 0;
  check(functions().version(&number), "ncclGetVersion");
  return fmt::format("{}.{}.{}", number / 10000, number % 10000 / 100, number % 100);
}

std::string new_id() {
  ncclUniqueId id{};
  check(functions().unique_id(&id), "ncclGetUniqueId");
  return {reinterpret_cast<const char*>(&id), sizeof id};
}

std::unique_ptr<Communicator> join(const std::string& id, Int rank, Int size) {
  return std::make_unique<Nccl>(id, rank, size);
}

}  // namespace sonograd::nccl
