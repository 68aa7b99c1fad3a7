#include "ops/channel_scale/channel_scale.h"

#include "ops/binary/binary.h"

namespace sonograd {
namespace {

// a + b, where either may be undefined: a term that is not there.
Tensor sum_of(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : (!b.defined() ? a : add(a, b));
}

}  // namespace

Shape one_per_channel(const Shape& x) {
  expect(x.rank() >= 2, "x {} needs a batch axis and a channel axis", x.text());
  Shape s = Shape::filled(x.rank(), 1);
  s[0] = x[0];
  s[-1] = x[-1];
  return s;
}

Shape ChannelDot::shape(const Shape& x, const Shape& y) const {
  expect(x == y, "x {} and y {} differ", x.text(), y.text());
  return one_per_channel(x);
}

Tensors ChannelDot::vjp(const Vjp& at) const {
  return {at.wants(0) ? channel_scale(at.x(1), at.dy()) : Tensor(),
          at.wants(1) ? channel_scale(at.x(0), at.dy()) : Tensor()};
}

Shape ChannelScale::shape(const Shape& x, const Shape& s) const {
  const Shape wanted = one_per_channel(x);
  expect(s == wanted, "s {} is not one number per image and channel, {}", s.text(), wanted.text());
  return x;
}

Tensors ChannelScale::vjp(const Vjp& at) const {
  const Tensor &x = at.x(0), &s = at.x(1), &dy = at.dy();
  if (at.wants(0) && at.wants(1)) return apply_all(ChannelScaleGrad{}, {dy, x, s});
  return {at.wants(0) ? channel_scale(dy, s) : Tensor(), at.wants(1) ? channel_dot(dy, x) : Tensor()};
}

Shapes ChannelScaleGrad::shape(const Shape& dy, const Shape& x, const Shape& s) const {
  expect(dy == x, "dy {} and x {} differ", dy.text(), x.text());
  return {ChannelScale{}.shape(x, s), s};
}

// dx = dy·s and ds = Σ dy·x are bilinear; g and h are the cotangents of dx and ds.
Tensors ChannelScaleGrad::vjp(const Vjp& at) const {
  const Tensor &dy = at.x(0), &x = at.x(1), &s = at.x(2);
  const Tensor &g = at.cotangents[0], &h = at.cotangents[1];
  const auto zeros = [](const Tensor& like) {
    return Tensor::zeros(like.shape(), like.dtype(), like.device());
  };
  Tensors gradients(3);
  if (at.wants(0))
    gradients[0] =
        sum_of(g.defined() ? channel_scale(g, s) : Tensor(), h.defined() ? channel_scale(x, h) : Tensor());
  if (at.wants(1)) gradients[1] = h.defined() ? channel_scale(dy, h) : zeros(x);
  if (at.wants(2)) gradients[2] = g.defined() ? channel_dot(g, dy) : zeros(s);
  return gradients;
}

void register_channel_scale(Registry& registry) {
  const Shape x{2, 3, 3, 5}, s{2, 1, 1, 5}, large{3, 29, 31, 24}, large_s{3, 1, 1, 24};
  registry.add<ChannelScale>(
      {.equation = "y[n,p,c] = x[n,p,c] * s[n,c]",
       .linear = {0, 1},
       .good = {sample("channel_scale: image", ChannelScale{}, {uniform(x), uniform(s)}),
                sample("channel_scale: no positions", ChannelScale{}, {uniform({3, 4}), uniform({3, 4})}),
                sample("channel_scale: one image", ChannelScale{},
                       {uniform({1, 2, 1, 3}), uniform({1, 1, 1, 3})}),
                values_only("channel_scale: many positions", ChannelScale{},
                            {uniform(large), uniform(large_s)}),
                values_only("channel_scale: special values", ChannelScale{},
                            {special_values({2, 4, 4, 3}), special_values({2, 1, 1, 3})})},
       .bad = {
           refused(ChannelScale{}, {x, {2, 5}}, "s [2,5] is not one number per image and channel, [2,1,1,5]"),
           refused(ChannelScale{}, {{3}, {3}}, "needs a batch axis")}});
  registry.add<ChannelDot>(
      {.equation = "s[n,c] = sum over p of x[n,p,c] * y[n,p,c]",
       .linear = {0, 1},
       .good = {sample("channel_dot: image", ChannelDot{}, {uniform(x), uniform(x)}),
                sample("channel_dot: one element", ChannelDot{}, {uniform({1, 1}), uniform({1, 1})}),
                values_only("channel_dot: many positions", ChannelDot{}, {uniform(large), uniform(large)})},
       .bad = {refused(ChannelDot{}, {x, s}, "x [2,3,3,5] and y [2,1,1,5] differ")}});
  registry.add<ChannelScaleGrad>(
      {.equation = "dx[n,p,c] = dy[n,p,c] * s[n,c], ds[n,c] = sum over p of dy[n,p,c] * x[n,p,c]",
       .linear = {0},
       .good = {sample("channel_scale_grad: image", ChannelScaleGrad{}, {uniform(x), uniform(x), uniform(s)}),
                values_only("channel_scale_grad: many positions", ChannelScaleGrad{},
                            {uniform(large), uniform(large), uniform(large_s)})},
       .bad = {refused(ChannelScaleGrad{}, {s, x, s}, "dy [2,1,1,5] and x [2,3,3,5] differ")}});
}

}  // namespace sonograd
