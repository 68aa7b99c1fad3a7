#include "train/distributed/buckets.h"

#include <utility>

#include "tensor/out_of_memory.h"

namespace sonograd {

Buckets::Buckets(Group& group, std::size_t count, Int bytes) : group(group), most(bytes), sums(count) {}

void Buckets::add(std::size_t which, const Tensor& x) {
  bytes += x.elements() * size_of(x.dtype());
  open.emplace_back(which, x);
  if (bytes >= most) send();
}

void Buckets::send() {
  if (open.empty()) return;
  Int elements = 0;
  for (const auto& [which, x] : open) elements += x.elements();
  const Tensor& like = open[0].second;
  Tensor flat = allocating([] { return std::string("the gradients that processes sum"); },
                           [&] { return Tensor::empty({elements}, like.dtype(), like.device()); });
  Int offset = 0;
  for (const auto& [which, x] : open) {
    sums[which] = flat.view(offset, x.shape(), row_major_strides(x.shape()));
    sums[which].assign(x);
    offset += x.elements();
  }
  open.clear();
  bytes = 0;
  group.begin_sum(flat);
}

Tensors Buckets::finish() {
  send();
  group.finish();
  return std::move(sums);
}

}  // namespace sonograd
