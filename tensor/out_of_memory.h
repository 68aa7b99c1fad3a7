#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace sonograd {

// There is no memory for what was asked for: "out of memory on the gpu: cannot allocate 25 MiB for the output
// [16,112,112,32] beside 900 MiB in use, it has 1024 MiB; use a smaller batch or smaller images".
class OutOfMemory : public Error {
 public:
  OutOfMemory(Device device, Int asked, Int live, Int total, std::string wanted = "");

  std::string facts() const;  // the text without what to do, which is its end

  Device device;           // cpu: the host
  Int asked, live, total;  // bytes: asked for, in use by tensors, that there are
  std::string wanted;      // what for, of a tensor its shape at the end; empty where not known
};

// make(), which allocates. Where there is no memory for it, the error says that it was for name().
template <class Name, class Make>
auto allocating(const Name& name, const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const OutOfMemory& full) {
    throw OutOfMemory(full.device, full.asked, full.live, full.total,
                      name() + (full.wanted.empty() ? "" : " ") + full.wanted);
  }
}

// Throws what within_memory() throws.
[[noreturn]] void name_batch_that_fits(const OutOfMemory& full, Int batch,
                                       const std::function<void(Int)>& attempt, std::string_view remark);

// work(), on a batch of so many images. Where the gpu's memory does not hold it, throws Error that also names
// the largest batch of which it does. That is found by trying, halving the range: plans, workspaces and the
// pool's gaps make no straight line of the bytes. attempt(n) asks for the memory that work() would ask for
// with n images, and changes nothing; it calls nothing that is itself within_memory. On the host nothing is
// tried, as a machine slows to a halt in its swap before its memory ends: OutOfMemory passes.
template <class Work>
auto within_memory(Int batch, const Work& work, const std::function<void(Int)>& attempt,
                   std::string_view remark = "") -> decltype(work()) {
  try {
    return work();
  } catch (const OutOfMemory& full) {
    name_batch_that_fits(full, batch, attempt, remark);
  }
}
// The same of what changes nothing: work(n), on the first n images.
template <class Work>
auto within_memory(Int batch, const Work& work, std::string_view remark = "") -> decltype(work(batch)) {
  return within_memory(
      batch, [&] { return work(batch); }, [&](Int n) { work(n); }, remark);
}

}  // namespace sonograd
