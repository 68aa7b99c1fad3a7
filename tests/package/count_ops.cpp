#include <cstdio>
#include <cstdlib>

#include "autograd/registry.h"
#include "ops/matmul/matmul.h"

// count_ops LEAST: fails where the linked library registered fewer ops, or where an op of it does not run.
int main(int argc, char** argv) {
  using namespace sonograd;
  const auto ops = static_cast<long>(registry().ops().size());
  const Tensor x = Tensor::filled({2, 3}, 1), w = Tensor::filled({3, 4}, 2);
  const bool runs = matmul(x, w).at(0) == 6;
  std::printf("%ld ops\n", ops);
  return argc == 2 && ops >= std::atol(argv[1]) && runs ? 0 : 1;
}
