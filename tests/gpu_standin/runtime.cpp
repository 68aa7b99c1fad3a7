#include <nvtx3/nvtx3.hpp>

#include <utility>

#include "tests/gpu_standin/state.h"

// The rules' sources are in brackets, as README.md names them; [runtime] is the page of the function at hand
// where no other is named.
namespace gpu_standin {

State& state() {
  static State* const the_state = new State;
  return *the_state;
}

cudaError_t give(cudaError_t status) {
  if (status != cudaSuccess) state().last = status;
  return status;
}
cudaError_t refuse(std::string text) {
  fault(std::move(text));
  return give(cudaErrorUnknown);
}

// [tried] without a driver or a device every call says so; [errors] after an error that ends all, too.
cudaError_t enter(const char* call) {
  State& s = state();
  if (s.machine.devices != cudaSuccess) return give(s.machine.devices);
  if (s.sticky != cudaSuccess) return s.sticky;
  const auto status = static_cast<cudaError_t>(asked_to_fail(call));
  if (cudaErrorIllegalAddress <= status && status <= cudaErrorLaunchFailure) s.sticky = status;
  return give(status);
}
int asked_to_fail(const std::string& call) {
  const std::lock_guard lock(state().mutex);
  ++state().calls[call];
  const auto failing = state().failing.find(call);
  if (failing == state().failing.end() || failing->second.second-- > 0) return 0;
  const int status = failing->second.first;
  state().failing.erase(failing);
  return status;
}
bool known(cudaStream_t stream) {
  return state().streams.count(stream) > 0;
}

int& device_of_thread() {
  thread_local int device = 0;
  return device;
}

// [guide] Error Checking: what goes wrong in a kernel shows at the call that waits for it, [errors] and then
// at every other.
cudaError_t run(cudaStream_t stream, const Point* until) {
  if (stream->work.empty()) return cudaSuccess;
  const Unlocked open;
  bool good = true;
  stream->stuck = false;
  while (good && !stream->work.empty() && !(until && until->done)) {
    std::function<bool()> next = std::move(stream->work.front());
    stream->work.pop_front();
    good = next();
    if (!stream->stuck) continue;
    stream->work.push_front(std::move(next));
    break;
  }
  good = all_guards_hold() && good;
  if (good) return cudaSuccess;
  state().sticky = std::exchange(state().astray, false) ? cudaErrorIllegalAddress : cudaErrorLaunchFailure;
  return give(state().sticky);
}
cudaError_t wait_for(cudaStream_t stream) {
  if (const cudaError_t status = run(stream); status != cudaSuccess) return status;
  return stream->stuck ? refuse("the host waits for ever for a stream that is stuck") : cudaSuccess;
}
cudaError_t run_all() {
  for (const cudaStream_t stream : state().streams)
    if (const cudaError_t status = run(stream); status != cudaSuccess) return status;
  return cudaSuccess;
}

Machine& machine() {
  return state().machine;
}
void fault(std::string text) {
  state().last_fault = "stand-in: " + text;
  state().faults.push_back(std::move(text));
}
std::vector<std::string> take_faults() {
  state().sticky = state().last = cudaSuccess;
  state().failing.clear();
  return std::exchange(state().faults, {});
}
void fail_call(const std::string& name, int status, int passing) {
  state().failing[name] = {status, passing};
}
std::map<std::string, std::size_t> take_calls() {
  return std::exchange(state().calls, {});
}
std::size_t launches() {
  return state().launches;
}

std::size_t waits() {
  return state().waits;
}
std::vector<Ordered> take_ordered() {
  return std::exchange(state().ordered, {});
}
std::vector<std::string> take_ranges() {
  return std::exchange(state().ranges, {});
}

cudaError_t launch(const cudaLaunchConfig_t& config, std::size_t argument_bytes,
                   std::function<void()> thread) {
  ENTER("cudaLaunchKernelEx");
  if (machine().kernels != cudaSuccess) return give(machine().kernels);  // [errors] 98, 209, 222
  // [runtime] "Stream synchronization behavior": the legacy stream waits for no stream of ours, nor they for
  // it. [errors] In captures: 906.
  if (!known(config.stream)) {
    if (spoil_captures("work on the legacy stream")) return give(cudaErrorStreamCaptureImplicit);
    return refuse("a kernel on a stream that is none, or on the legacy stream");
  }
  if (config.stream->capture && config.stream->invalid) return give(cudaErrorStreamCaptureInvalidated);
  // [guide] Stream and Event Behavior
  if (config.stream->device != device_of_thread()) return refuse("a kernel from a thread on another gpu");
  const dim3 grid = config.gridDim, block = config.blockDim;
  // Limits: [guide] Compute Capabilities, technical specifications.
  if (grid.x == 0 || grid.x > 0x7FFFFFFFu || block.x == 0 || block.x > 1024)
    return give(cudaErrorInvalidConfiguration);
  // [ours] Grids and blocks of one axis are all that this knows.
  if (grid.y != 1 || grid.z != 1 || block.y != 1 || block.z != 1 || config.dynamicSmemBytes != 0)
    return refuse("a grid or block of several axes, or dynamic shared memory");
  // [guide] Function Parameters: 4 KiB on every card; more on those from compute capability 7.0 alone.
  if (argument_bytes > 4096) return refuse("kernel arguments of more than 4096 bytes");
  ++state().launches;
  put(config.stream, [grid, block, thread = std::move(thread)] { return run_grid(grid, block, thread); });
  return cudaSuccess;
}

}  // namespace gpu_standin

using namespace gpu_standin;

const char* cudaGetErrorString(cudaError_t status) {
  if (status == cudaErrorUnknown) return state().last_fault.c_str();
  return status == cudaErrorMemoryAllocation ? "out of memory" : "an error of the stand-in";
}
const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorCapturedEvent:
      return "cudaErrorCapturedEvent";
    default:
      return "cudaErrorUnknown";
  }
}
// [runtime], [errors] It forgets an error that does not end all.
cudaError_t cudaGetLastError() {
  const cudaError_t status = state().last;
  state().last = state().sticky;
  return status;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  ENTER("cudaGetDeviceCount");
  *count = machine().count;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  ENTER("cudaSetDevice");
  if (device < 0 || device >= machine().count) return give(cudaErrorInvalidDevice);
  device_of_thread() = device;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  ENTER("cudaDeviceGetAttribute");
  // Few multiprocessors, so that kernels take several rounds on small tensors too.
  *value = attribute == cudaDevAttrMultiProcessorCount      ? 1
           : attribute == cudaDevAttrComputeCapabilityMajor ? machine().major
                                                            : machine().minor;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  ENTER("cudaGetDeviceProperties");
  *properties = {"stand-in", machine().memory, machine().major, machine().minor};
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)()) {
  ENTER("cudaFuncGetAttributes");  // [runtime] an error where there is no code for the device
  if (!kernel) return give(cudaErrorInvalidDeviceFunction);
  if (machine().kernels != cudaSuccess) return give(machine().kernels);
  *attributes = {1024};
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  ENTER("cudaStreamCreateWithFlags");
  // [ours] [runtime] Others wait for the legacy stream, and it for them.
  if (flags != cudaStreamNonBlocking) return refuse("a stream that the legacy stream waits for");
  *stream = *state().streams.insert(new CUstream_st).first;
  (*stream)->device = device_of_thread();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  ENTER_OUTSIDE_OF_CAPTURES("cudaStreamDestroy");
  if (!known(stream)) return give(cudaErrorInvalidResourceHandle);
  const cudaError_t status = run(stream);  // [runtime] its work is let end
  if (stream->stuck) return refuse("a stream is destroyed that is stuck");
  state().streams.erase(stream);
  delete stream;
  return status;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ENTER("cudaStreamSynchronize");
  if (!known(stream)) return give(cudaErrorInvalidResourceHandle);
  if (stream->capture && spoil_captures("cudaStreamSynchronize"))  // [errors] 900
    return give(cudaErrorStreamCaptureUnsupported);
  state().waits += stream->work.empty() ? 0 : 1;
  return wait_for(stream);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  ENTER("cudaEventCreateWithFlags");
  if (flags != cudaEventDisableTiming && flags != cudaEventDefault) return refuse("an event of another kind");
  *event = *state().events.insert(new CUevent_st).first;
  (*event)->device = device_of_thread();
  (*event)->timed = flags == cudaEventDefault;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  ENTER("cudaEventDestroy");
  if (state().events.erase(event) == 0) return give(cudaErrorInvalidResourceHandle);
  delete event;
  return cudaSuccess;
}
// [runtime] It takes the place of what was recorded before.
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  ENTER("cudaEventRecord");
  if (state().events.count(event) == 0 || !known(stream)) return give(cudaErrorInvalidResourceHandle);
  // [guide] Stream and Event Behavior
  if (event->device != stream->device) return refuse("an event of another gpu than the stream's");
  event->captured_on = stream->capture ? stream : nullptr;
  if (event->captured_on) return cudaSuccess;
  event->last = std::make_shared<Point>(Point{stream});
  stream->work.push_back([point = event->last] {
    point->reached = std::chrono::steady_clock::now();
    return point->done = true;
  });
  return cudaSuccess;
}
// Both: [runtime] cudaEventRecord, an event that was never recorded counts as done. [errors] In captures:
// 900; one that was recorded in a capture: 907.
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  ENTER("cudaEventSynchronize");
  if (state().events.count(event) == 0) return give(cudaErrorInvalidResourceHandle);
  if (spoil_captures("cudaEventSynchronize")) return give(cudaErrorStreamCaptureUnsupported);
  if (event->captured_on) return give(cudaErrorCapturedEvent);
  if (event->done()) return cudaSuccess;
  ++state().waits;
  const std::shared_ptr<Point> point = event->last;
  if (const cudaError_t status = run(point->stream, point.get()); status != cudaSuccess) return status;
  return point->done ? cudaSuccess : refuse("the host waits for ever for an event of a stream that is stuck");
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  ENTER("cudaEventQuery");
  if (state().events.count(event) == 0) return give(cudaErrorInvalidResourceHandle);
  if (spoil_captures("cudaEventQuery")) return give(cudaErrorStreamCaptureUnsupported);
  if (event->captured_on) return give(cudaErrorCapturedEvent);
  if (event->done()) return cudaSuccess;
  // Time passes while the host asks.
  const std::shared_ptr<Point> point = event->last;
  if (++point->asked < 20) return give(cudaErrorNotReady);
  state().waits += point->asked == 20 ? 1 : 0;
  if (const cudaError_t status = run(point->stream, point.get()); status != cudaSuccess) return status;
  return point->done ? cudaSuccess : give(cudaErrorNotReady);
}
// [runtime] Of two that time, were recorded and are done.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  ENTER("cudaEventElapsedTime");
  for (const cudaEvent_t event : {begin, end})
    if (state().events.count(event) == 0 || !event->timed || !event->last)
      return give(cudaErrorInvalidResourceHandle);
  if (!begin->done() || !end->done()) return give(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(end->last->reached - begin->last->reached).count();
  return cudaSuccess;
}
// [runtime] For what was recorded when it is called. Into a capture, or out of one: [errors] 905.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  ENTER("cudaStreamWaitEvent");
  if (state().events.count(event) == 0 || !known(stream)) return give(cudaErrorInvalidResourceHandle);
  if (event->captured_on || stream->capture) {
    if (stream == event->captured_on) return cudaSuccess;
    spoil_captures("cudaStreamWaitEvent for what is not captured with it");
    return give(cudaErrorStreamCaptureIsolation);
  }
  state().ordered.push_back({"cudaStreamWaitEvent", stream, state().launches});
  if (!event->done() && event->last->stream != stream)
    stream->work.push_back([stream, point = event->last] {
      const bool good = point->done || run(point->stream, point.get()) == cudaSuccess;
      stream->stuck = good && !point->done;
      return good;
    });
  return cudaSuccess;
}

// "NVTX C API Reference", Push/Pop ranges: both give the level, from 0, and ranges lie in one another.
int nvtxRangePushA(const char* name) {
  State& s = state();
  s.open_ranges.push_back((s.open_ranges.empty() ? "" : s.open_ranges.back() + " > ") + name);
  s.ranges.push_back(s.open_ranges.back());
  return static_cast<int>(s.open_ranges.size()) - 1;
}
int nvtxRangePop() {
  State& s = state();
  if (s.open_ranges.empty())
    fault("a range is ended that was not begun");
  else
    s.open_ranges.pop_back();
  return static_cast<int>(s.open_ranges.size());
}
