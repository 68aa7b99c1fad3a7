#include <nccl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/error.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/meeting.h"
#include "tests/gpu_standin/state.h"

// The rules' sources: "NCCL User Guide", sections named where they are meant, and [nccl]; README.md.
using namespace gpu_standin;

struct ncclComm {
  std::unique_ptr<Meeting> meeting;
  int device = 0;
  ncclResult_t error = ncclSuccess;  // of work under way
  std::uint64_t begun = 0;
  std::deque<std::pair<std::uint64_t, std::shared_ptr<Point>>> under_way;  // calls by their number
  std::shared_ptr<bool> aborted = std::make_shared<bool>(false);
  std::atomic<bool> ending{false};
  std::thread progress;
};

namespace gpu_standin {

NcclState& nccl_state() {
  static NcclState state;
  return state;
}

namespace {

std::set<ncclComm_t>& comms() {
  static auto* const all = new std::set<ncclComm_t>;
  return *all;
}
std::string& noted() {
  static auto* const text = new std::string;
  return *text;
}

ncclResult_t deny(const std::string& text, ncclResult_t status = ncclInvalidArgument) {
  fault("NCCL: " + text);
  noted() = text;
  return status;
}

// The status that a test asked for, once.
ncclResult_t asked_for(const std::string& call) {
  const auto failing = nccl_state().failing.find(call);
  if (failing == nccl_state().failing.end()) return ncclSuccess;
  const auto status = static_cast<ncclResult_t>(failing->second);
  nccl_state().failing.erase(failing);
  return status;
}

#define ENTER_NCCL(call)                     \
  const std::lock_guard lock(state().mutex); \
  if (const ncclResult_t status = asked_for(call); status != ncclSuccess) return status

bool alive(ncclComm_t comm) {
  return comms().count(comm) > 0;
}

// A gpu works by itself: the work that another process is waiting at is done also while the host does other
// things, and no further work, which might wait for others still.
void make_progress(ncclComm_t comm) {
  while (!comm->ending) {
    std::this_thread::sleep_for(std::chrono::microseconds(500));
    const std::unique_lock lock(state().mutex, std::try_to_lock);
    if (!lock || comm->ending) continue;
    while (!comm->under_way.empty() && comm->under_way.front().second->done) comm->under_way.pop_front();
    if (comm->under_way.empty() || !comm->meeting->awaited(comm->under_way.front().first)) continue;
    const std::shared_ptr<Point> point = comm->under_way.front().second;
    run(point->stream, point.get());
  }
}

struct Buffers {
  const void* from;
  void* to;
};

// The sum of the processes' parts; each element's begins with another process, as the parts of a ring do, so
// that it is not the order of the ranks.
template <class T>
void add(const Meeting& meeting, T* to, std::size_t count, std::size_t first, std::size_t all) {
  const auto n = static_cast<std::size_t>(meeting.size);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = (first + i) * n / all + 1;
    T sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      T part;
      std::memcpy(&part, meeting.slot_of(static_cast<int>((begin + k) % n)) + i * sizeof(T), sizeof(T));
      sum = k == 0 ? part : sum + part;
    }
    to[i] = sum;
  }
}

// The work of one call; "Collective Operations": processes whose calls differ hang, or worse. True where it
// is done, or waits for ever (the stream is stuck then).
bool exchange(ncclComm_t comm, const Call& call, std::uint64_t number, const Buffers& at,
              CUstream_st* stream) {
  Meeting& meeting = *comm->meeting;
  const auto lost = [&](const std::string& text) {
    if (nccl_state().tells) comm->error = ncclRemoteError;
    noted() = text;
    stream->stuck = true;
    return true;
  };
  meeting.is_at(number);
  meeting.call_of(meeting.rank) = call;
  if (!meeting.all_here(nccl_state().patience)) return lost("another process gave up, or makes no such call");
  for (int r = 0; r < meeting.size; ++r) {
    const Call& other = meeting.call_of(r);
    if (other == call) continue;
    meeting.give_up();
    fault(fmt::format("NCCL: this process calls {} of {} of type {}, another {} of {} of type {}", call.what,
                      call.count, call.type, other.what, other.count, other.type));
    return lost("the processes' calls differ");
  }
  const std::size_t size = call.type == ncclFloat32 ? 4 : 8, most = Meeting::slot / size;
  for (std::size_t first = 0; first < call.count; first += most) {
    const std::size_t count = std::min(most, call.count - first);
    std::memcpy(meeting.slot_of(meeting.rank), static_cast<const char*>(at.from) + first * size,
                count * size);
    if (!meeting.all_here(nccl_state().patience)) return lost("another process gave up");
    char* const to = static_cast<char*>(at.to) + first * size;
    if (call.root >= 0)
      std::memcpy(to, meeting.slot_of(call.root), count * size);
    else if (call.type == ncclFloat32)
      add(meeting, reinterpret_cast<float*>(to), count, first, call.count);
    else
      add(meeting, reinterpret_cast<double*>(to), count, first, call.count);
    if (!meeting.all_here(nccl_state().patience)) return lost("another process gave up");
  }
  return true;
}

// Puts a call on the stream. In place or apart: "In-place Operations", [nccl]. A communicator's own gpu:
// "Creating a Communicator". [ours] f32 and f64 alone.
ncclResult_t begin(const char* what, const Buffers& at, std::size_t count, ncclDataType_t type, int root,
                   ncclComm_t comm, cudaStream_t stream) {
  const std::string name = what;
  if (!alive(comm)) return deny(name + " by a communicator that is none, or was destroyed");
  if (!known(stream)) return deny(name + " on a stream that is none, or on the legacy stream");
  if (comm->device != device_of_thread() || comm->device != stream->device)
    return deny(name + " from a thread or on a stream of another gpu than the communicator's");
  if (type != ncclFloat32 && type != ncclFloat64) return deny(name + " of another type than f32 and f64");
  if (root >= comm->meeting->size) return deny(name + " from a process that is none");
  const std::size_t bytes = count * (type == ncclFloat32 ? 4 : 8);
  const char *const from = static_cast<const char*>(at.from), *const to = static_cast<const char*>(at.to);
  if (from != to && from < to + bytes && to < from + bytes)
    return deny(name + " of buffers that overlap and are not the same");
  for (const void* const buffer : {at.from, static_cast<const void*>(at.to)})
    if (!reaches(buffer, static_cast<std::int64_t>(bytes), what)) return ncclInvalidArgument;
  if (count == 0) return ncclSuccess;
  Call call;
  std::strncpy(call.what, what, sizeof call.what - 1);
  call.count = count;
  call.type = type;
  call.root = root;
  state().ordered.push_back({name, stream, state().launches});
  const std::uint64_t number = ++comm->begun;
  const auto point = std::make_shared<Point>(Point{stream});
  stream->work.push_back([=, aborted = comm->aborted] {
    const bool good = *aborted || exchange(comm, call, number, at, stream);
    point->done = good && !stream->stuck;
    return good;
  });
  comm->under_way.emplace_back(number, point);
  comm->meeting->has_begun(number);
  return ncclSuccess;
}

void end(ncclComm_t comm) {
  comms().erase(comm);
  comm->ending = true;
  comm->progress.join();  // it does not wait for the lock that is held here
  delete comm;
}

// What all processes of a machine must call, or it waits for ever: "Communicator Creation and Management
// Functions", an intra-node collective call.
ncclResult_t leave(const std::string& call, ncclComm_t comm) {
  const bool good = comm->meeting->all_leave(nccl_state().patience);
  end(comm);
  return good ? ncclSuccess : deny(call + " waits for ever for the other processes", ncclInternalError);
}

}  // namespace

void end_left_communicators() {
  const std::lock_guard lock(state().mutex);
  for (const ncclComm_t comm : std::set(comms())) {
    if (!comm->meeting->given_up()) continue;
    *comm->aborted = true;
    end(comm);
  }
}

}  // namespace gpu_standin

ncclResult_t ncclGetVersion(int* version) {
  *version = 22809;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInvalidArgument:
      return "invalid argument";
    default:
      return "an error of the stand-in";
  }
}
const char* ncclGetLastError(ncclComm_t) {
  return noted().c_str();
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  ENTER_NCCL("ncclGetUniqueId");
  const std::string file = Meeting::new_file();
  *id = {};
  std::copy_n(file.begin(), std::min(file.size(), sizeof id->internal - 1), id->internal);
  return ncclSuccess;
}
ncclResult_t ncclCommInitRank(ncclComm_t* made, int ranks, ncclUniqueId id, int rank) {
  ENTER_NCCL("ncclCommInitRank");
  if (rank < 0 || rank >= ranks) return deny("a process that is none of the communicator's");
  auto meeting = std::make_unique<Meeting>(id.internal, rank, ranks);
  if (!meeting->all_here(nccl_state().patience)) return ncclRemoteError;
  std::filesystem::remove(id.internal);
  *made = *comms().insert(new ncclComm).first;
  ncclComm& comm = **made;
  comm.meeting = std::move(meeting);
  comm.device = device_of_thread();
  comm.progress = std::thread(make_progress, *made);
  return ncclSuccess;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  ENTER_NCCL("ncclCommGetAsyncError");
  if (!alive(comm)) return deny("a communicator that is none, or was destroyed");
  if (nccl_state().tells && comm->meeting->given_up()) comm->error = ncclRemoteError;
  *error = comm->error;
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  ENTER_NCCL("ncclCommDestroy");
  if (!alive(comm)) return deny("a communicator that is none, or was destroyed");
  const bool busy = std::any_of(comm->under_way.begin(), comm->under_way.end(),
                                [](const auto& call) { return !call.second->done; });
  // [ours] The library would wait for it, for ever where another process is gone.
  if (busy) return deny("a communicator is destroyed with work under way", ncclInvalidUsage);
  return leave("ncclCommDestroy", comm);
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  ENTER_NCCL("ncclCommAbort");
  if (!alive(comm)) return deny("a communicator that is none, or was destroyed");
  *comm->aborted = true;
  return leave("ncclCommAbort", comm);
}

ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  ENTER_NCCL("ncclAllReduce");
  if (op != ncclSum) return deny("another operation than a sum");
  return gpu_standin::begin("ncclAllReduce", {from, to}, count, type, -1, comm, stream);
}
ncclResult_t ncclBroadcast(const void* from, void* to, std::size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  ENTER_NCCL("ncclBroadcast");
  if (root < 0) return deny("a broadcast from a process that is none");
  return gpu_standin::begin("ncclBroadcast", {from, to}, count, type, root, comm, stream);
}
