#pragma once
#include <cmath>

#include "ops/matmul/matmul.h"
#include "ops/permute/permute.h"
#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"

namespace sonograd {

// y = P·v,   P = softmax(q·kᵀ/√size) row by row   (Vaswani et al. 2017, eq. 1), for each head alone
// q [batch, queries, heads·size], k and v [batch, tokens, heads·size] -> y like q; head h has the channels
// from h·size on. No P [batch, heads, queries, tokens] is kept: backward makes it again from q and k, a piece
// at a time, as FlashAttention does (Dao et al. 2022).
struct Attention {
  static constexpr auto name = "attention";
  static constexpr std::array arguments{"q", "k", "v"};
  Int heads = 1;
  Precision precision = Precision::full;  // else q, k and v are rounded first, and so is dy in backward

  Shape shape(const Shape& q, const Shape& k, const Shape& v) const {
    expect(q.rank() == 3 && k.rank() == 3, "q and k must be [batch, tokens, channels]");
    expect(k == v, "k {} and v {} differ", k.text(), v.text());
    expect(q[0] == k[0] && q[2] == k[2], "q {} and k {} differ in batch or channels", q.text(), k.text());
    expect(k[1] > 0, "k {} has no tokens to attend to", k.text());
    expect(heads > 0 && q[2] > 0 && q[2] % heads == 0, "the {} channels of q are not those of {} heads", q[2],
           heads);
    return q;
  }

  double scale(Int channels) const {
    return 1 / std::sqrt(static_cast<double>(channels) / static_cast<double>(heads));
  }

  // Calls f(b, i, first channel, end, row i of P) for each query of each head.
  void for_each_row(auto q, auto k, auto f) const {
    using T = std::remove_cvref_t<decltype(q[0])>;
    const Int size = q.size(2) / heads, tokens = k.size(1);
    std::vector<T> p(static_cast<std::size_t>(tokens));
    for_each_index({q.size(0), heads, q.size(1)}, [&](const Shape& at) {
      const Int b = at[0], i = at[2], first = at[1] * size;
      for (Int j = 0; j < tokens; ++j) {
        T product = 0;
        for (Int c = first; c < first + size; ++c)
          product += factor(precision, q(b, i, c)) * factor(precision, k(b, j, c));
        p[static_cast<std::size_t>(j)] = product * static_cast<T>(scale(q.size(2)));
      }
      const View<T> row{p.data(), {tokens}, {1}};
      Softmax{}.reference(row, row);
      f(b, i, first, first + size, row);
    });
  }

  void reference(auto q, auto k, auto v, auto y) const {
    for_each_row(q, k, [&](Int b, Int i, Int first, Int end, auto p) {
      for (Int c = first; c < end; ++c) {
        y(b, i, c) = 0;
        for (Int j = 0; j < k.size(1); ++j) y(b, i, c) += p(j) * factor(precision, v(b, j, c));
      }
    });
  }

  Int macs(const Shape& q, const Shape& k, const Shape&) const { return 2 * q.elements() * k[1]; }
  Tensors vjp(const Vjp& at) const;
};

// With dP = dy·vᵀ and G = P∘(dP − Σ_row P∘dP), all row by row and head by head:
//   dq = G·k/√size,   dk = Gᵀ·q/√size,   dv = Pᵀ·dy
struct AttentionGrad {
  static constexpr auto name = "attention_grad";
  static constexpr std::array arguments{"q", "k", "v", "dy"};
  static constexpr std::array results{"dq", "dk", "dv"};
  Int heads = 1;
  Precision precision = Precision::full;

  Shapes shape(const Shape& q, const Shape& k, const Shape& v, const Shape& dy) const {
    expect(dy == Attention{heads}.shape(q, k, v), "dy {} and q {} differ", dy.text(), q.text());
    return {q, k, v};
  }

  void reference(auto q, auto k, auto v, auto dy, auto dq, auto dk, auto dv) const {
    using T = std::remove_cvref_t<decltype(dq[0])>;
    const Attention op{heads, precision};
    const auto f = [&](T x) { return factor(precision, x); };
    const Int tokens = k.size(1);
    for_each_index(q.shape, [&](const Shape& i) { dq(i) = 0; });
    for_each_index(k.shape, [&](const Shape& j) { dk(j) = dv(j) = 0; });
    std::vector<T> dp(static_cast<std::size_t>(tokens));
    op.for_each_row(q, k, [&](Int b, Int i, Int first, Int end, auto p) {
      const View<T> g{dp.data(), {tokens}, {1}};
      for (Int j = 0; j < tokens; ++j) {
        g(j) = 0;
        for (Int c = first; c < end; ++c) g(j) += f(dy(b, i, c)) * f(v(b, j, c));
      }
      SoftmaxGrad{}.reference(p, g, g);
      for (Int j = 0; j < tokens; ++j) {
        const T ds = g(j) * static_cast<T>(op.scale(q.size(2)));
        for (Int c = first; c < end; ++c) {
          dq(b, i, c) += ds * f(k(b, j, c));
          dk(b, j, c) += ds * f(q(b, i, c));
          dv(b, j, c) += p(j) * f(dy(b, i, c));
        }
      }
    });
  }

  Int macs(const Shape& q, const Shape& k, const Shape&) const { return 5 * q.elements() * k[1]; }
  Tensors vjp(const Vjp& at) const;
};

inline Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, Int heads,
                        Precision precision = Precision::full) {
  return apply(Attention{heads, precision}, q, k, v);
}
inline Tensors Attention::vjp(const Vjp& at) const {
  return apply_all(AttentionGrad{heads, precision}, {at.x(0), at.x(1), at.x(2), at.dy()});
}
Tensors rounded_factors(const Tensors& in, Precision precision);  // each of an op's inputs

// The same in parts, whose probabilities can be looked at and dropped:
// attention(q, k, v, heads) = join_heads(matmul(attention_probabilities(q, k, heads), split_heads(v, heads)))
Tensor split_heads(const Tensor& x,
                   Int heads);       // [batch, tokens, heads·size] -> [batch, heads, tokens, size]
Tensor join_heads(const Tensor& x);  // and back
Tensor attention_probabilities(const Tensor& q, const Tensor& k,
                               Int heads);  // [batch, heads, queries, tokens]

}  // namespace sonograd
