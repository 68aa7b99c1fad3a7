#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "data/loader.h"
#include "train/distributed/mpi_group.h"

namespace sonograd {
namespace {

template <class T>
MPI_Datatype type_of() {
  return std::is_same_v<T, float> ? MPI_FLOAT : MPI_DOUBLE;
}

// All but the first and the last call into MPI is made by one thread, which takes them from a queue: so sums
// go on while others compute, in the order in which they were begun. It waits asleep, since a process that
// waits for long, as for the first one's evaluation, must not take cores from it.
class MpiGroup final : public Group {
 public:
  MpiGroup() {
    int given = 0;
    ::MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
    ::MPI_Comm_rank(MPI_COMM_WORLD, &number);
    ::MPI_Comm_size(MPI_COMM_WORLD, &count);
    MPI_Comm machine = MPI_COMM_NULL;
    ::MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    ::MPI_Comm_size(machine, &here);
    ::MPI_Comm_rank(machine, &place);
    ::MPI_Comm_free(&machine);
    expect(given >= MPI_THREAD_SERIALIZED, "this MPI allows no thread but the first one to call it");
    worker = std::thread([this] { work(); });
  }

  ~MpiGroup() override {
    barrier();
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    worker.join();
    ::MPI_Finalize();
  }

  Int rank() const override { return number; }
  Int size() const override { return count; }
  Int on_this_machine() const override { return here; }
  Int place_here() const override { return place; }

  void begin_sum(Tensor x) override {
    check(x);
    constexpr Int most = Int{1} << 28;  // MPI counts in int
    with_type(x.dtype(), [&](auto zero) {
      auto* const data = x.mutable_data<decltype(zero)>();
      for (Int begin = 0; begin < x.elements(); begin += most)
        enqueue([this, x, part = data + begin, elements = std::min(most, x.elements() - begin)] {
          sum_in_order(part, static_cast<int>(elements));
        });
    });
  }

  void finish() override {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return queue.empty() && !busy; });
  }

  std::string order_of_sums() const override { return "that of the processes"; }

  void broadcast(Tensor x, Int from) override {
    check(x);
    with_type(x.dtype(), [&](auto zero) {
      auto* const data = x.mutable_data<decltype(zero)>();
      broadcast_bytes(data, x.elements() * size_of(x.dtype()), from);
    });
  }

  void broadcast(std::string& bytes, Int from) override {
    auto size = static_cast<Int>(bytes.size());
    broadcast_bytes(&size, sizeof size, from);
    bytes.resize(static_cast<std::size_t>(size));
    broadcast_bytes(bytes.data(), size, from);
  }

  void barrier() override {
    enqueue([this] { wait([](MPI_Request* r) { return ::MPI_Ibarrier(MPI_COMM_WORLD, r); }); });
    finish();
  }

  [[noreturn]] void abort(int status) override {
    {
      const std::lock_guard lock(mutex);
      abort_with = status;
    }
    changed.notify_all();
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
  }

 private:
  static void check(const Tensor& x) {
    expect(x.dense(), "processes exchange dense tensors, not a view {}", x.shape().text());
    expect(x.device() != Device::gpu, "tensors on the gpu are exchanged once join_gpus() was called");
  }

  void enqueue(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex);
      queue.push_back(std::move(task));
    }
    changed.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return !queue.empty() || ending || abort_with != 0; });
      leave_if_told();
      if (queue.empty()) return;
      {
        const std::function<void()> task = std::move(queue.front());
        queue.pop_front();
        busy = true;
        lock.unlock();
        task();
        lock.lock();
      }
      busy = false;
      changed.notify_all();
    }
  }

  void leave_if_told() const {
    if (abort_with != 0) ::MPI_Abort(MPI_COMM_WORLD, abort_with);
  }

  // begin(&request), then sleeps until it is done, longer and longer up to a millisecond.
  template <class Begin>
  void wait(Begin begin) const {
    MPI_Request request = MPI_REQUEST_NULL;
    begin(&request);
    for (int tries = 0, done = 0;; ++tries) {
      ::MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done) return;
      leave_if_told();
      if (tries < 1000)
        std::this_thread::yield();
      else
        std::this_thread::sleep_for(std::chrono::microseconds(std::min(1000, tries / 20)));
    }
  }

  void broadcast_bytes(void* bytes, Int size, Int from) {
    constexpr Int most = Int{1} << 30;
    for (Int begin = 0; begin < size; begin += most)
      enqueue([=, this] {
        wait([&](MPI_Request* r) {
          return ::MPI_Ibcast(static_cast<char*>(bytes) + begin,
                              static_cast<int>(std::min(most, size - begin)), MPI_BYTE,
                              static_cast<int>(from), MPI_COMM_WORLD, r);
        });
      });
    finish();
  }

  // Each process gets its piece of all the others', adds them in the order of the ranks, and gives the sum to
  // all: as few bytes as any all-reduce sends, and an order that no library chooses.
  template <class T>
  void sum_in_order(T* x, int elements) const {
    const Share mine{number, count};
    std::vector<int> sizes, begins, own_sizes, own_begins;
    const auto own = static_cast<int>(mine.end(elements) - mine.begin(elements));
    for (int p = 0; p < count; ++p) {
      const Share piece{p, count};
      begins.push_back(static_cast<int>(piece.begin(elements)));
      sizes.push_back(static_cast<int>(piece.end(elements)) - begins.back());
      own_begins.push_back(p * own);
      own_sizes.push_back(own);
    }
    std::vector<T> pieces(static_cast<std::size_t>(own) * static_cast<std::size_t>(count));
    wait([&](MPI_Request* r) {
      return ::MPI_Ialltoallv(x, sizes.data(), begins.data(), type_of<T>(), pieces.data(), own_sizes.data(),
                              own_begins.data(), type_of<T>(), MPI_COMM_WORLD, r);
    });
    T* const sum = x + begins[static_cast<std::size_t>(number)];
    std::copy_n(pieces.data(), own, sum);
    for (int p = 1; p < count; ++p)
      for (int i = 0; i < own; ++i) sum[i] += pieces[static_cast<std::size_t>(p) * own + i];
    wait([&](MPI_Request* r) {
      return ::MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x, sizes.data(), begins.data(),
                               type_of<T>(), MPI_COMM_WORLD, r);
    });
  }

  int number = 0, count = 1, here = 1, place = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool busy = false, ending = false;
  std::atomic<int> abort_with{0};
  std::thread worker;
};

}  // namespace

std::unique_ptr<Group> join_mpi() {
  return std::make_unique<MpiGroup>();
}

}  // namespace sonograd
