#include "ops/conv2d/convolution.h"

#include <utility>

#include "base/parallel.h"
#include "tensor/onednn.h"

namespace sonograd::convolution {
namespace {

using dnnl::convolution_backward_data;
using dnnl::convolution_backward_weights;
using dnnl::convolution_forward;
using dnnl::memory;

memory::desc nhwc(const Shape& x, memory::data_type type) {
  return {{x[0], x[3], x[1], x[2]}, type, memory::format_tag::nhwc};
}

// Weights as the library numbers them, [groups, out/groups, in/groups, kh, kw]: ours in place, or its own
// layout.
struct WeightLayouts {
  memory::desc ours, any;
};
WeightLayouts weight_layouts(const Shape& w, Int groups, memory::data_type type) {
  const Int tap = w[2] * w[3];
  const memory::dims sizes{groups, w[3] / groups, w[2], w[0], w[1]};
  const memory::dims strides{w[3] / groups, 1, w[3], w[1] * tap, tap};
  return {{sizes, type, strides}, {sizes, type, memory::format_tag::any}};
}

// A convolution of one direction and size, ready to run. Weights that the library wants in a layout of its
// own are copied over by `reorder`.
struct Plan {
  dnnl::primitive primitive, reorder;
  memory::desc x, w, y, scratch, our_w, reorder_scratch;
  bool reordered = false;
  std::string kernel;
};

template <class Primitive, class Description>
Plan plan_of(const Description& description, const memory::desc& x, const memory::desc& w,
             const memory::desc& y, const memory::desc& our_w, bool writes_w) {
  Plan plan{Primitive(description), {}, x, w, y, description.scratchpad_desc(), our_w, {}, w != our_w, {}};
  plan.kernel = description.impl_info_str();
  if (plan.reordered) {
    const dnnl::reorder::primitive_desc copy(onednn::engine(), writes_w ? w : our_w, onednn::engine(),
                                             writes_w ? our_w : w, onednn::own_scratchpad());
    plan.reorder = dnnl::reorder(copy);
    plan.reorder_scratch = copy.scratchpad_desc();
  }
  return plan;
}

Plan make_plan(Direction direction, const Conv2d& conv, const Shape& x_shape, const Shape& w_shape) {
  const Window at = conv.window_on(x_shape[1], x_shape[2], {w_shape[0], w_shape[1]});
  const bool to_x = direction == Direction::grad_x, to_w = direction == Direction::grad_w,
             to_y = direction == Direction::forward;
  const auto type = [&](bool written) {  // what is written is a sum
    return conv.precision == Precision::full || written ? memory::data_type::f32 : memory::data_type::bf16;
  };
  const memory::desc x = nhwc(x_shape, type(to_x)), y = nhwc(conv.shape(x_shape, w_shape), type(to_y));
  const memory::desc read_x = nhwc(x_shape, type(false));
  const auto [our_w, any_w] = weight_layouts(w_shape, conv.groups, type(to_w));
  const auto any_read_w = weight_layouts(w_shape, conv.groups, type(false)).any;
  const memory::dims stride{conv.stride.height, conv.stride.width};
  const memory::dims dilation{conv.dilation.height - 1, conv.dilation.width - 1};
  const memory::dims before{at.rows.before, at.columns.before}, after{at.rows.after, at.columns.after};
  constexpr auto algorithm = dnnl::algorithm::convolution_direct;

  const auto forward = onednn::describe<convolution_forward>(
      dnnl::prop_kind::forward_training, algorithm, read_x, any_read_w, y, stride, dilation, before, after);
  if (to_y) return plan_of<convolution_forward>(forward, x, forward.weights_desc(), y, our_w, false);
  if (to_x) {
    const auto backward = onednn::describe_backward<convolution_backward_data>(
        forward, algorithm, x, any_w, y, stride, dilation, before, after);
    return plan_of<convolution_backward_data>(backward, x, backward.weights_desc(), y, our_w, false);
  }
  const auto backward = onednn::describe_backward<convolution_backward_weights>(
      forward, algorithm, x, any_w, y, stride, dilation, before, after);
  return plan_of<convolution_backward_weights>(backward, x, backward.diff_weights_desc(), y, our_w, true);
}

std::shared_ptr<const Plan> plan_for(Direction direction, const Conv2d& conv, const Shape& x,
                                     const Shape& w) {
  static onednn::Cache<Plan> plans(512);
  const Window at = conv.window_on(x[1], x[2], {w[0], w[1]});
  std::vector<Int> key{static_cast<Int>(direction), static_cast<Int>(conv.precision), conv.groups,
                       at.rows.before, at.rows.after};
  key.insert(key.end(), {at.columns.before, at.columns.after, conv.stride.height, conv.stride.width});
  key.insert(key.end(), {conv.dilation.height, conv.dilation.width, threads()});
  key.insert(key.end(), x.begin(), x.end());
  key.insert(key.end(), w.begin(), w.end());
  return plans.get(key, [&] {
    try {
      return make_plan(direction, conv, x, w);
    } catch (const dnnl::error& refusal) {
      throw Error("oneDNN refuses the convolution of x {} and w {}: {}; the reference device computes it",
                  x.text(), w.text(), refusal.message);
    }
  });
}

}  // namespace

void run(Direction direction, Conv2d conv, Tensor x, Tensor w, Tensor y) {
  const bool to_x = direction == Direction::grad_x, to_w = direction == Direction::grad_w,
             to_y = direction == Direction::forward;
  if (x.elements() == 0 || w.elements() == 0 || y.elements() == 0) {
    (to_x ? x : to_w ? w : y).fill(0);  // a sum of no products
    return;
  }
  if (conv.precision == Precision::f16 || (conv.precision == Precision::bf16 && !has_bfloat16_products()))
    round_factors(direction, conv, x, w, y);
  const bool rounds = conv.precision != Precision::full;
  const auto plan = plan_for(direction, conv, x.shape(), w.shape());
  std::vector<std::unique_ptr<Storage>> rounded;
  const auto bound = [&](Tensor& tensor, const memory::desc& layout, bool written) {
    if (!rounds || written)
      return onednn::bind(layout, written ? tensor.mutable_data<float>() : tensor.data<float>());
    rounded.push_back(as_bfloat16(tensor));
    return onednn::bind(layout, rounded.back()->data());
  };
  const memory our_w = bound(w, plan->our_w, to_w);
  const Storage packed(plan->reordered ? static_cast<Int>(plan->w.get_size()) : 0);
  const memory its_w = plan->reordered ? onednn::bind(plan->w, packed.data()) : our_w;
  const auto reorder = [&](const memory& from, const memory& to) {
    onednn::run(plan->reorder, plan->reorder_scratch, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  };

  if (plan->reordered && !to_w) reorder(our_w, its_w);
  onednn::run(plan->primitive, plan->scratch,
              {{to_x ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, bound(x, plan->x, to_x)},
               {to_w ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, its_w},
               {to_y ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, bound(y, plan->y, to_y)}});
  if (plan->reordered && to_w) reorder(its_w, our_w);
}

void round_factors(Direction direction, Conv2d& conv, Tensor& x, Tensor& w, Tensor& y) {
  const Precision precision = std::exchange(conv.precision, Precision::full);
  if (direction != Direction::grad_x) x = rounded(x, precision);
  if (direction != Direction::grad_w) w = rounded(w, precision);
  if (direction != Direction::forward) y = rounded(y, precision);
}

std::string kernel_name(Direction direction, const Conv2d& conv, const Shape& x, const Shape& w) {
  return plan_for(direction, conv, x, w)->kernel;
}

}  // namespace sonograd::convolution
