#pragma once
#include "tensor/gpu/launch.h"

// Kernels over many tensors at once, for *.cu alone: hundreds of small ones would take a launch each.
namespace sonograd::gpu {

constexpr std::size_t most_argument_bytes = 4096;  // of a kernel, on every card

// The tensors of one launch, which gets this by value: Each holds the pointers of one, its number of
// `elements` and what else its kernel reads of it. A block works on a piece of one of them at a time.
template <class Each>
struct Many {
  // As many as there is room for beside 64 bytes of other arguments.
  static constexpr int most = static_cast<int>((most_argument_bytes - 64) / (sizeof(Each) + sizeof(int))) - 1;
  int count = 0;
  int first[most + 1] = {};  // number of each one's first piece, then of all pieces
  Each each[most] = {};

  bool full() const { return count == most; }
  void add(const Each& one, Int pieces) {
    each[count] = one;
    first[count + 1] = first[count] + static_cast<int>(pieces);
    ++count;
  }
  // Whose piece it is.
  SONOGRAD_INLINE int owner(int piece) const {
    int low = 0, high = count;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (first[middle] <= piece ? low : high) = middle;
    }
    return low;
  }
};

template <class Each, class F>
__global__ void each_piece_kernel(const Many<Each> many, F f) {
  for (int piece = static_cast<int>(blockIdx.x); piece < many.first[many.count];
       piece += static_cast<int>(gridDim.x)) {
    const int k = many.owner(piece);
    const Int number = piece - many.first[k], pieces = many.first[k + 1] - many.first[k],
              elements = many.each[k].elements;
    f(many.each[k], elements * number / pieces, elements * (number + 1) / pieces, piece);
  }
}

// f(one, begin, end, piece) for each piece, which is the elements begin … end-1 of one tensor, by the threads
// of one block, which may join. A tensor's pieces depend on its size and their number alone.
template <class Each, class F>
void for_each_piece(const Many<Each>& many, F f) {
  static_assert(sizeof(many) + sizeof(f) <= most_argument_bytes);
  const int pieces = many.first[many.count];
  if (pieces > 0) launch(each_piece_kernel<Each, F>, blocks_for(pieces), many, f);
}

}  // namespace sonograd::gpu
