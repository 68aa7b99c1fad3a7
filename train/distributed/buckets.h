#pragma once
#include "train/distributed/group.h"

namespace sonograd {

// Sums a list of tensors over the processes a few megabytes at a time, while the later ones are still being
// computed. They come in any order that is the same in every process.
class Buckets {
 public:
  Buckets(Group& group, std::size_t count, Int bytes = Int{4} << 20);

  void add(std::size_t which, const Tensor& x);
  Tensors finish();  // their sums, by number

 private:
  void send();

  Group& group;
  const Int most;
  Int bytes = 0;
  std::vector<std::pair<std::size_t, Tensor>> open;  // of the bucket that is being filled
  Tensors sums;
};

}  // namespace sonograd
