#include "tensor/out_of_memory.h"

#include <utility>

namespace sonograd {
namespace {

constexpr std::string_view advice = "; use a smaller batch or smaller images";

std::string text_of(Device device, Int asked, Int live, Int total, const std::string& wanted) {
  constexpr Int mib = Int{1} << 20;
  const bool gpu = device == Device::gpu;
  return fmt::format("out of memory{}: cannot allocate {} MiB{}{} beside {} MiB in use, {} has {} MiB{}",
                     gpu ? " on the gpu" : "", asked / mib + (asked % mib != 0 ? 1 : 0),
                     wanted.empty() ? "" : " for ", wanted, live / mib, gpu ? "it" : "the machine",
                     total / mib, advice);
}

Int largest_that_fits(Int batch, const std::function<void(Int)>& attempt) {
  Int fits = 0, fails = batch;
  while (fails - fits > 1) {
    const Int n = (fits + fails) / 2;
    try {
      attempt(n);
      fits = n;
    } catch (const OutOfMemory&) {
      fails = n;
    }
  }
  return fits;
}

}  // namespace

OutOfMemory::OutOfMemory(Device device, Int asked, Int live, Int total, std::string wanted)
    : Error(text_of(device, asked, live, total, wanted)),
      device(device),
      asked(asked),
      live(live),
      total(total),
      wanted(std::move(wanted)) {}

std::string OutOfMemory::facts() const {
  const std::string text = what();
  return text.substr(0, text.size() - advice.size());
}

void name_batch_that_fits(const OutOfMemory& full, Int batch, const std::function<void(Int)>& attempt,
                          std::string_view remark) {
  if (full.device != Device::gpu) throw;
  Int fits = 0;
  try {
    fits = largest_that_fits(batch, attempt);
  } catch (const Error&) {  // of another kind: the first one is what to tell
    throw Error(full.what());
  }
  const std::string found = fits > 0    ? fmt::format("one of {} does", fits)
                            : batch > 1 ? "nor does one of 1: take a smaller model or smaller images"
                                        : "take a smaller model or smaller images";
  throw Error("{}; a batch of {} does not fit, {}{}", full.facts(), batch, found, remark);
}

}  // namespace sonograd
