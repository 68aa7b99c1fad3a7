#include "ops/matmul/matmul.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_matmul(Registry& registry) {
  const auto both = [](const std::string& name, MatMul op, Shape x, Shape w) {
    return sample("matmul: " + name, op, {uniform(x), uniform(w)});
  };
  std::vector<Sample> good{
      both("matrices", {}, {3, 4}, {4, 5}),
      both("transposed x", {true, false}, {4, 3}, {4, 5}),
      both("transposed w", {false, true}, {3, 4}, {5, 4}),
      both("both transposed", {true, true}, {4, 3}, {5, 4}),
      both("batch", {}, {2, 3, 4}, {2, 4, 5}),
      both("batch, transposed x", {true, false}, {3, 4, 2}, {3, 4, 5}),
      both("batch, transposed w", {false, true}, {2, 2, 3, 4}, {2, 2, 5, 4}),
      both("batch, both transposed", {true, true}, {2, 4, 3}, {2, 5, 4}),
      both("shared w", {}, {2, 3, 4}, {4, 5}),
      both("shared w, four axes", {}, {2, 2, 3, 4}, {4, 5}),
      both("shared w, transposed x", {true, false}, {2, 4, 3}, {4, 5}),
      both("shared w, transposed w", {false, true}, {2, 3, 4}, {5, 4}),
      both("shared x", {}, {3, 4}, {2, 4, 5}),
      both("shared x, transposed", {true, true}, {4, 3}, {2, 5, 4}),
      both("six axes", {}, {2, 1, 2, 1, 3, 4}, {2, 1, 2, 1, 4, 2}),
      both("sum over the batch", {true, false, true}, {2, 4, 3}, {2, 4, 5}),
      both("sum over the batch, plain", {false, false, true}, {3, 2, 4}, {3, 4, 5}),
      both("sum over the batch, transposed w", {false, true, true}, {2, 2, 3, 4}, {2, 2, 5, 4}),
      both("column times row", {}, {5, 1}, {1, 3}),
      both("row times column", {}, {1, 7}, {7, 1}),
      both("one element", {}, {1, 1}, {1, 1}),
      both("larger than a block", {}, {37, 70}, {70, 51}),
      values_only("matmul: special values", MatMul{}, {special_values({4, 6}), uniform({6, 3})})};
  for (const Precision precision : {Precision::bf16, Precision::f16}) {
    const auto rounds = [&](const std::string& name, MatMul op, Shape x, Shape w) {
      op.precision = precision;
      good.push_back(
          rounding(fmt::format("matmul: {}, {}", name_of(precision), name), op, {uniform(x), uniform(w)}));
    };
    rounds("matrices", {}, {37, 70}, {70, 51});
    rounds("transposed x", {true, false}, {70, 37}, {70, 51});
    rounds("transposed w", {false, true}, {37, 70}, {51, 70});
    rounds("both transposed", {true, true}, {70, 37}, {51, 70});
    rounds("shared w", {}, {2, 3, 4}, {4, 5});
    rounds("batch", {}, {2, 3, 4}, {2, 4, 5});
    rounds("sum over the batch", {true, false, true}, {2, 4, 3}, {2, 4, 5});
  }
  registry.add<MatMul>(
      {.equation = "y[b,i,j] = sum over k of x[b,i,k] w[b,k,j]",
       .linear = {0, 1},
       .good = good,
       .bad = {
           refused(MatMul{}, {{3, 4}, {5, 6}}, "x has 4 columns but w has 5 rows"),
           refused(MatMul{.transpose_w = true}, {{3, 4}, {4, 6}}, "x has 4 columns but w has 6 rows"),
           refused(MatMul{}, {{2, 3, 4}, {3, 4, 5}}, "x has leading sizes [2] but w has [3]"),
           refused(MatMul{.sum_batch = true}, {{2, 3, 4}, {4, 5}}, "x has leading sizes [2] but w has []"),
           refused(MatMul{}, {{4}, {4, 5}}, "must be matrices or batches of them")}});
}

}  // namespace sonograd
