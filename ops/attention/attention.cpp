#include "ops/attention/attention.h"

#include "autograd/define_op.h"

namespace sonograd {

Tensor split_heads(const Tensor& x, Int heads) {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}

Tensor join_heads(const Tensor& x) {
  return reshape(permute(x, {0, 2, 1, 3}), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

Tensor attention_probabilities(const Tensor& q, const Tensor& k, Int heads) {
  const Tensor scaled = multiply(q, scalar_like(q, Attention{heads}.scale(q.size(2))));
  return softmax(matmul(split_heads(scaled, heads), split_heads(k, heads), {.transpose_w = true}));
}

Tensors rounded_factors(const Tensors& in, Precision precision) {
  Tensors factors;
  for (const Tensor& x : in) factors.push_back(rounded(x, precision));
  return factors;
}

// By head, with c = 1/√size, S = c·G and u, b, g the cotangents of dq, dk, dv. U = c·(u·kᵀ + q·bᵀ) is that of
// G, softmax_grad(P, U) that of dP, and W that of q·kᵀ, through P; see attention.md. Factors that are rounded
// are taken as they were before.
Tensors AttentionGrad::vjp(const Vjp& at) const {
  const auto by_head = [&](const Tensor& x) { return split_heads(x, heads); };
  const auto cotangent = [&](int which) {
    const Tensor &given = at.dy(which), &x = at.x(which);
    return by_head(given.defined() ? given : Tensor::zeros(x.shape(), x.dtype(), x.device()));
  };
  const Tensor q = by_head(at.x(0)), k = by_head(at.x(1)), v = by_head(at.x(2)), dy = by_head(at.x(3));
  const Tensor u = cotangent(0), b = cotangent(1), g = cotangent(2);
  const Tensor c = scalar_like(q, Attention{heads}.scale(at.x(0).size(2)));
  const auto times_transposed = [](const Tensor& x, const Tensor& w) {
    return matmul(x, w, {.transpose_w = true});
  };
  const auto transposed_times = [](const Tensor& x, const Tensor& w) {
    return matmul(x, w, {.transpose_x = true});
  };

  const Tensor p = attention_probabilities(at.x(0), at.x(1), heads), dp = times_transposed(dy, v);
  const Tensor s = multiply(c, apply(SoftmaxGrad{}, p, dp));
  const Tensor of_g = multiply(c, add(times_transposed(u, k), times_transposed(q, b)));
  const Tensor of_dp = apply(SoftmaxGrad{}, p, of_g);
  const Tensor of_p =
      add(SoftmaxGrad{}.vjp({{p, dp}, {}, {of_g}, {true, false}})[0], times_transposed(dy, g));
  const Tensor w = multiply(c, apply(SoftmaxGrad{}, p, of_p));
  return {join_heads(add(matmul(w, k), matmul(s, b))),
          join_heads(add(transposed_times(w, q), transposed_times(s, u))),
          join_heads(transposed_times(of_dp, dy)), join_heads(add(matmul(of_dp, v), matmul(p, g)))};
}

void register_attention(Registry& registry) {
  const auto like = [](const std::string& name, Int heads, Shape q, Shape k) {
    return sample("attention: " + name, Attention{heads}, {uniform(q, -2, 2), uniform(k, -2, 2), uniform(k)});
  };
  const auto values = [](const std::string& name, Int heads, Shape q, Shape k) {
    return values_only("attention: " + name, Attention{heads},
                       {uniform(q, -2, 2), uniform(k, -2, 2), uniform(k)});
  };
  registry.add<Attention>(
      {.equation = "y[b,i,h,c] = sum over j of softmax_j((sum over d of q[b,i,h,d] k[b,j,h,d]) / sqrt(size)) "
                   "v[b,j,h,c]",
       .linear = {2},
       .good = {like("one head", 1, {1, 3, 2}, {1, 3, 2}), like("two heads", 2, {2, 3, 4}, {2, 3, 4}),
                like("one query", 2, {2, 1, 6}, {2, 4, 6}), like("one token", 1, {2, 3, 2}, {2, 1, 2}),
                like("heads of one channel", 3, {1, 2, 3}, {1, 4, 3}),
                values("a picture's tokens", 3, {2, 50, 24}, {2, 50, 24}),
                values("rows in several pieces", 1, {1, 301, 5}, {1, 301, 5}),
                rounding("attention: bf16", Attention{3, Precision::bf16},
                         {uniform({2, 50, 24}, -2, 2), uniform({2, 50, 24}, -2, 2), uniform({2, 50, 24})}),
                rounding("attention: f16", Attention{3, Precision::f16},
                         {uniform({2, 50, 24}, -2, 2), uniform({2, 50, 24}, -2, 2), uniform({2, 50, 24})}),
                values_only("attention: special values", Attention{2},
                            {uniform({2, 3, 4}), uniform({2, 5, 4}), special_values({2, 5, 4})})},
       .bad = {
           refused(Attention{}, {{3, 4}, {3, 4}, {3, 4}}, "q and k must be [batch, tokens, channels]"),
           refused(Attention{}, {{1, 3, 4}, {1, 3, 4}, {1, 2, 4}}, "k [1,3,4] and v [1,2,4] differ"),
           refused(Attention{}, {{2, 3, 4}, {1, 3, 4}, {1, 3, 4}},
                   "q [2,3,4] and k [1,3,4] differ in batch or channels"),
           refused(Attention{}, {{2, 3, 4}, {2, 0, 4}, {2, 0, 4}}, "k [2,0,4] has no tokens to attend to"),
           refused(Attention{3}, {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}},
                   "the 4 channels of q are not those of 3 heads")}});
  const auto gradient_inputs = [](Shape q, Shape k) {
    return std::vector<Input>{uniform(q, -2, 2), uniform(k, -2, 2), uniform(k), uniform(q)};
  };
  registry.add<AttentionGrad>(
      {.equation = "ds = p * (dp - sum over j of p * dp) / sqrt(size), dq = ds k, dk = ds^T q, dv = p^T dy; "
                   "p the softmax, dp = dy v^T, of each head",
       .linear = {3},
       .good = {sample("attention_grad: two heads", AttentionGrad{2}, gradient_inputs({2, 3, 4}, {2, 3, 4})),
                sample("attention_grad: one query", AttentionGrad{2}, gradient_inputs({1, 1, 4}, {1, 3, 4})),
                values_only("attention_grad: a picture's tokens", AttentionGrad{3},
                            gradient_inputs({2, 50, 24}, {2, 50, 24})),
                rounding("attention_grad: bf16", AttentionGrad{3, Precision::bf16},
                         gradient_inputs({2, 50, 24}, {2, 50, 24})),
                rounding("attention_grad: f16", AttentionGrad{3, Precision::f16},
                         gradient_inputs({2, 50, 24}, {2, 50, 24})),
                values_only("attention_grad: rows in several pieces", AttentionGrad{1},
                            gradient_inputs({1, 301, 5}, {1, 301, 5}))},
       .bad = {refused(AttentionGrad{}, {{1, 3, 4}, {1, 2, 4}, {1, 2, 4}, {1, 2, 4}},
                       "dy [1,2,4] and q [1,3,4] differ")}});
}

}  // namespace sonograd
