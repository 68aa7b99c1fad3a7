#include "tensor/gpu/clock.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/graph.h"
#include "tensor/gpu/lost.h"
#include "tensor/gpu/numbers.h"
#include "tensor/gpu/ranges.h"

namespace sonograd::gpu {

const std::string& why_not() {
  static const std::string why = "this build has no gpu device (./run build --cuda makes one that has)";
  return why;
}

namespace {
[[noreturn]] void refuse() {
  throw Error("{}", why_not());
}
}  // namespace

std::string description() {
  refuse();
}
int multiprocessors() {
  refuse();
}
std::string lost() {
  return "";
}
void* allocate(Int) {
  refuse();
}
void release(void*, Int) noexcept {}
Int live_bytes() {
  return 0;
}
Int peak_bytes() {
  return 0;
}
void reset_peak() {}
void upload(void*, const void*, Int) {
  refuse();
}
void download(void*, const void*, Int) {
  refuse();
}
void synchronise() {
  refuse();
}
void copy(const Tensor&, Tensor&) {
  refuse();
}
void fill(Tensor&, double) {
  refuse();
}
void sum_squares(const std::vector<Tensor>&, Tensor&) {
  refuse();
}
void round(const Tensor&, Precision, Tensor&) {
  refuse();
}

struct Clock::Parts {};
Clock::Clock() {
  refuse();
}
Clock::~Clock() = default;
void Clock::start() {}
void Clock::stop() {}
std::vector<double> Clock::seconds() const {
  return {};
}

struct Graph::Parts {};
Graph::Graph() {
  refuse();
}
Graph::~Graph() = default;
void Graph::rehearse(const std::function<void()>&) {
  refuse();
}
void Graph::record(const std::function<void()>&) {
  refuse();
}
bool Graph::recorded() const {
  refuse();
}
void Graph::launch() {
  refuse();
}
struct Readout::Parts {};
Readout::Readout(Int, DType) {
  refuse();
}
Readout::~Readout() = default;
void Readout::copy(const Tensor&) {
  refuse();
}
const void* Readout::data() const {
  refuse();
}
Int Readout::elements() const {
  refuse();
}
void LiveNumbers::set(const StepNumbers&) {
  refuse();
}
void LiveNumbers::expect_finite(const Tensor&) {
  refuse();
}
const StepNumbers* live_draw(std::uint64_t, std::uint64_t) {
  refuse();
}
const StepNumbers* live_rate(float) {
  refuse();
}
LiveNumbers::Scope::Scope(const LiveNumbers&) : before(nullptr) {
  refuse();
}
LiveNumbers::Scope::~Scope() = default;

bool ranges_on() {
  return false;
}
void begin_range(const std::string&) {}
void end_range() {}

}  // namespace sonograd::gpu
