#include "ops/attention/attention.h"
#include "base/parallel.h"
#include "ops/softmax/rows.h"
#include "tensor/onednn.h"

namespace sonograd {
namespace {

template <class T>
View<T> transposed(const View<T>& x) {
  return {x.first, {x.size(1), x.size(0)}, {x.strides[1], x.strides[0]}};
}
template <class T>
View<T> rows(const View<T>& x, Int begin, Int end) {
  return {x.first + begin * x.strides[0], {end - begin, x.size(1)}, x.strides};
}

void multiply(const View<const float>& x, const View<const float>& w, const View<float>& y,
              bool add = false) {
  expect(onednn::gemm(x, w, y, add ? 1.0f : 0.0f),
         "attention: no memory left for the library's packed copies");
}
View<const float> constant(const View<float>& x) {
  return {x.first, x.shape, x.strides};
}

// The matrices [tokens, size] of one head of one picture, where they lie between the other heads'.
struct Head {
  Int batch, number, size;

  View<const float> of(const Tensor& x) const { return {x.data<float>() + first(x), shape(x), strides(x)}; }
  View<float> of(Tensor& x, float* data) const { return {data + first(x), shape(x), strides(x)}; }

 private:
  Int first(const Tensor& x) const { return batch * x.size(1) * x.size(2) + number * size; }
  Shape shape(const Tensor& x) const { return {x.size(1), size}; }
  static Strides strides(const Tensor& x) { return {x.size(2), 1}; }
};

// Rows of P that are made at once: what stays in the cache of a core.
Int rows_at_once(Int queries, Int tokens) {
  return std::clamp<Int>(65536 / tokens, 1, std::max<Int>(queries, 1));
}

// Calls f(head, scratch) for each head of each picture; scratch has room for `tiles` times rows_at_once rows.
template <class F>
void for_each_head(const Tensor& q, const Tensor& k, Int heads, Int tiles, F f) {
  parallel_for(q.size(0) * heads, 1, [&](Int begin, Int end) {
    Tensor scratch = Tensor::empty({tiles, rows_at_once(q.size(1), k.size(1)), k.size(1)});
    for (Int number = begin; number < end; ++number)
      f(Head{number / heads, number % heads, q.size(2) / heads}, scratch.mutable_data<float>());
  });
}

// Calls f(begin, end) for pieces of the queries.
template <class F>
void for_each_piece(Int queries, Int tokens, F f) {
  const Int step = rows_at_once(queries, tokens);
  for (Int begin = 0; begin < queries; begin += step) f(begin, std::min(begin + step, queries));
}

void attention_cpu(const Attention& op, const Tensors& in, Tensors& out) {
  if (op.precision != Precision::full)
    return attention_cpu({op.heads}, rounded_factors(in, op.precision), out);
  const Int queries = in[0].size(1), tokens = in[1].size(1);
  const auto scale = static_cast<float>(op.scale(in[0].size(2)));
  float* const to = out[0].mutable_data<float>();
  for_each_head(in[0], in[1], op.heads, 1, [&](const Head& head, float* scratch) {
    const auto q = head.of(in[0]), k = head.of(in[1]), v = head.of(in[2]);
    const auto y = head.of(out[0], to);
    for_each_piece(queries, tokens, [&](Int begin, Int end) {
      const View<float> p{scratch, {end - begin, tokens}, {tokens, 1}};
      multiply(rows(q, begin, end), transposed(k), p);
      softmax_rows(end - begin, tokens, scale, scratch, scratch);
      multiply(constant(p), v, rows(y, begin, end));
    });
  });
}

void attention_grad_cpu(const AttentionGrad& op, const Tensors& in, Tensors& out) {
  if (op.precision != Precision::full)
    return attention_grad_cpu({op.heads}, rounded_factors(in, op.precision), out);
  const Int queries = in[0].size(1), tokens = in[1].size(1);
  const auto scale = static_cast<float>(Attention{op.heads}.scale(in[0].size(2)));
  float *const to_dq = out[0].mutable_data<float>(), *const to_dk = out[1].mutable_data<float>(),
               *const to_dv = out[2].mutable_data<float>();
  if (queries == 0) out[1].fill(0), out[2].fill(0);
  for_each_head(in[0], in[1], op.heads, 2, [&](const Head& head, float* scratch) {
    const auto q = head.of(in[0]), k = head.of(in[1]), v = head.of(in[2]), dy = head.of(in[3]);
    const auto dq = head.of(out[0], to_dq), dk = head.of(out[1], to_dk), dv = head.of(out[2], to_dv);
    for_each_piece(queries, tokens, [&](Int begin, Int end) {
      const Int n = end - begin;
      const View<float> p{scratch, {n, tokens}, {tokens, 1}},
          ds{scratch + n * tokens, {n, tokens}, {tokens, 1}};
      const auto q_piece = rows(q, begin, end), dy_piece = rows(dy, begin, end);
      multiply(q_piece, transposed(k), p);
      softmax_rows(n, tokens, scale, p.first, p.first);
      multiply(transposed(constant(p)), dy_piece, dv, begin > 0);
      multiply(dy_piece, transposed(v), ds);
      softmax_grad_rows(n, tokens, scale, p.first, ds.first, ds.first);
      multiply(constant(ds), k, rows(dq, begin, end));
      multiply(transposed(constant(ds)), q_piece, dk, begin > 0);
    });
  });
}

}  // namespace

void register_attention_cpu(Registry& registry) {
  registry.add_cpu<Attention>(attention_cpu);
  registry.add_cpu<AttentionGrad>(attention_grad_cpu);
}

}  // namespace sonograd
