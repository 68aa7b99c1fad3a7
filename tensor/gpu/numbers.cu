#include "tensor/gpu/numbers.h"

#include "tensor/gpu/gpu.h"
#include "tensor/gpu/launch.h"

namespace sonograd::gpu {
namespace {

thread_local const LiveNumbers* live = nullptr;

template <class T>
void clear_unless_finite(const T* values, Int count, StepNumbers* numbers) {
  for_each(count, [=] __device__(Int i) {
    if (!(values[i] - values[i] == 0)) numbers->finite = 0;  // the one value that any thread writes
  });
}

}  // namespace

void LiveNumbers::set(const StepNumbers& numbers) {
  host = numbers;
  upload(block.data(), &host, sizeof(host));
}

void LiveNumbers::expect_finite(const Tensor& x) {
  StepNumbers* const numbers = on_gpu();
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    clear_unless_finite(x.gpu_data<T>(), x.elements(), numbers);
  });
}

LiveNumbers::Scope::Scope(const LiveNumbers& numbers) : before(live) {
  live = &numbers;
}
LiveNumbers::Scope::~Scope() {
  live = before;
}

const StepNumbers* live_numbers() {
  return live ? live->on_gpu() : nullptr;
}

const StepNumbers* live_draw(std::uint64_t step, std::uint64_t first_sample) {
  if (live)
    expect(
        step == live->on_host().step && first_sample == live->on_host().first_sample,
        "a draw of step {} from sample {} on, in an update that draws by {} and {}: a graph would freeze it",
        step, first_sample, live->on_host().step, live->on_host().first_sample);
  return live_numbers();
}

const StepNumbers* live_rate(float rate) {
  if (live)
    expect(rate == live->on_host().rate, "a rate {}, in an update with the rate {}: a graph would freeze it",
           rate, live->on_host().rate);
  return live_numbers();
}

}  // namespace sonograd::gpu
