#include "tests/gpu_standin/cudnn_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/precision.h"
#include "tests/gpu_standin/libraries.h"

// The rules' sources, as README.md names them: [tried], [frontend] and [real library], which takes some
// of what is refused here, such as statistics of 16 bits, and would read wrong numbers. Sizes that must fit,
// and the order of writes: [manual] of each operation.
using namespace gpu_standin;

namespace {

using Sizes = std::vector<std::int64_t>;

// A tensor of a graph; where it lies is known when the graph runs.
struct Place {
  std::int64_t id = 0;
  Sizes sizes, strides;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  bool is_virtual = false, by_value = false;
  void* address = nullptr;

  std::int64_t elements() const {  // from the first to the last
    std::int64_t last = 0;
    for (std::size_t axis = 0; axis < 4; ++axis) last += (sizes[axis] - 1) * strides[axis];
    return last + 1;
  }
  std::int64_t bytes() const { return elements() * (type == CUDNN_DATA_FLOAT ? 4 : 2); }
};

Place place_of(const Descriptor& tensor) {
  const auto is = [&](cudnnBackendAttributeName_t name) {
    return tensor.has(name) && tensor.one<bool>(name);
  };
  return {tensor.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID),
          tensor.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
          tensor.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES),
          tensor.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE),
          is(CUDNN_ATTR_TENSOR_IS_VIRTUAL),
          is(CUDNN_ATTR_TENSOR_IS_BY_VALUE)};
}

// An operation's tensors, those that it writes last.
struct Step {
  cudnnBackendDescriptorType_t type;
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_IDENTITY;
  std::vector<Place> read = {}, written = {};
};

Step step_of(const Descriptor& operation) {
  const auto place = [&](cudnnBackendAttributeName_t name) { return place_of(operation.part(name)); };
  Step step{operation.type};
  switch (operation.type) {
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
      step.read = {place(CUDNN_ATTR_OPERATION_MATMUL_ADESC), place(CUDNN_ATTR_OPERATION_MATMUL_BDESC)};
      step.written = {place(CUDNN_ATTR_OPERATION_MATMUL_CDESC)};
      break;
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      step.mode = operation.part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                      .one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
      step.read = {place(CUDNN_ATTR_OPERATION_POINTWISE_XDESC)};
      if (operation.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC))
        step.read.push_back(place(CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
      step.written = {place(CUDNN_ATTR_OPERATION_POINTWISE_YDESC)};
      break;
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
      step.read = {place(CUDNN_ATTR_OPERATION_REDUCTION_XDESC)};
      step.written = {place(CUDNN_ATTR_OPERATION_REDUCTION_YDESC)};
      break;
    case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
      step.read = {place(CUDNN_ATTR_OPERATION_RESHAPE_XDESC)};
      step.written = {place(CUDNN_ATTR_OPERATION_RESHAPE_YDESC)};
      break;
    default:
      step.read = {place(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC), place(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC),
                   place(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC),
                   place(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC)};
      step.written = {place(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC),
                      place(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC)};
  }
  return step;
}
std::vector<Step> steps_of(const Descriptor& graph) {
  std::vector<Step> steps;
  for (const Descriptor* const each : graph.parts(CUDNN_ATTR_OPERATIONGRAPH_OPS))
    steps.push_back(step_of(*each));
  return steps;
}

cudnnStatus_t bad(const std::string& text) {
  return refuse(CUDNN_STATUS_BAD_PARAM, text);
}

cudnnStatus_t check_step(const Step& step) {
  const Sizes &x = step.read[0].sizes, &y = step.written[0].sizes;
  switch (step.type) {
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR: {  // [real library] compares these three
      const Sizes& b = step.read[1].sizes;
      if (x[3] != b[2] || x[2] != y[2] || b[3] != y[3] || x[0] != y[0] || x[1] != y[1] || b[0] != y[0] ||
          b[1] != y[1])
        return bad("matrices of attention that do not fit together");
      break;
    }
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: {
      const bool two = step.mode == CUDNN_POINTWISE_MUL || step.mode == CUDNN_POINTWISE_SUB;
      if (x != y || step.read.size() != (two ? 2U : 1U))
        return bad("a pointwise function of attention with other sizes or arguments");
      for (std::size_t axis = 0; two && axis < 4; ++axis)
        if (step.read[1].sizes[axis] != 1 && step.read[1].sizes[axis] != x[axis])
          return bad("an argument of attention that cannot be broadcast");
      break;
    }
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
      for (std::size_t axis = 0; axis < 4; ++axis)
        if (y[axis] != 1 && y[axis] != x[axis]) return bad("a sum of attention of other sizes");
      break;
    case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
      if (step.read[0].elements() != step.written[0].elements()) return bad("a reshape of other sizes");
      break;
    default: {
      const Sizes &k = step.read[1].sizes, &v = step.read[2].sizes;
      if (x != y || k != v || k[0] != x[0] || k[1] != x[1] || k[3] != x[3] ||
          step.written[1].sizes != Sizes{x[0], x[1], x[2], 1})
        return bad("sizes of q, k, v, y and the statistics that do not fit together");
    }
  }
  return CUDNN_STATUS_SUCCESS;
}

sonograd::Precision precision_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_BFLOAT16 ? sonograd::Precision::bf16
         : type == CUDNN_DATA_HALF   ? sonograd::Precision::f16
                                     : sonograd::Precision::full;
}

// The tensors while a graph runs: those of the gpu where they lie, virtual ones here.
class Values {
 public:
  float read(const Place& place, const Sizes& at) {
    const std::size_t i = offset(place, at);
    if (place.is_virtual) return made.at(place.id)[i];
    if (place.type == CUDNN_DATA_FLOAT) return static_cast<const float*>(place.address)[i];
    return sonograd::with_16_bits(precision_of(place.type), [&](auto type) {
      return type.value(static_cast<const std::uint16_t*>(place.address)[i]);
    });
  }
  void write(const Place& place, const Sizes& at, float value) {
    const std::size_t i = offset(place, at);
    if (place.is_virtual) {
      auto& all = made[place.id];
      all.resize(static_cast<std::size_t>(place.elements()), std::nanf(""));
      all[i] = sonograd::factor(precision_of(place.type), value);
    } else if (place.type == CUDNN_DATA_FLOAT) {
      static_cast<float*>(place.address)[i] = value;
    } else {
      static_cast<std::uint16_t*>(place.address)[i] =
          sonograd::with_16_bits(precision_of(place.type), [&](auto type) { return type.bits(value); });
    }
  }

 private:
  static std::size_t offset(const Place& place, const Sizes& at) {
    std::int64_t sum = 0;
    for (std::size_t axis = 0; axis < 4; ++axis)
      if (place.sizes[axis] > 1) sum += at[axis] * place.strides[axis];  // of size 1: broadcast
    return static_cast<std::size_t>(sum);
  }
  std::map<std::int64_t, std::vector<float>> made;
};

void for_each(const Sizes& sizes, const std::function<void(const Sizes&)>& f) {
  Sizes at(4);
  for (at[0] = 0; at[0] < sizes[0]; ++at[0])
    for (at[1] = 0; at[1] < sizes[1]; ++at[1])
      for (at[2] = 0; at[2] < sizes[2]; ++at[2])
        for (at[3] = 0; at[3] < sizes[3]; ++at[3]) f(at);
}

// y and the statistics of each query, with P rounded before it is divided by its sum.
void attend(const Step& step, Values& values) {
  const Place &q = step.read[0], &k = step.read[1], &v = step.read[2], &y = step.written[0];
  const float scale = values.read(step.read[3], {0, 0, 0, 0});
  for_each(step.written[1].sizes, [&](const Sizes& at) {
    const std::int64_t b = at[0], h = at[1], i = at[2], size = q.sizes[3];
    std::vector<float> p(static_cast<std::size_t>(k.sizes[2]));
    for (std::size_t j = 0; j < p.size(); ++j)
      for (std::int64_t c = 0; c < size; ++c)
        p[j] +=
            scale * values.read(q, {b, h, i, c}) * values.read(k, {b, h, static_cast<std::int64_t>(j), c});
    const float largest = *std::max_element(p.begin(), p.end());
    float sum = 0;
    for (float& each : p) sum += each = std::exp(each - largest);
    values.write(step.written[1], at, largest + std::log(sum));
    for (std::int64_t c = 0; c < size; ++c) {
      float total = 0;
      for (std::size_t j = 0; j < p.size(); ++j)
        total += sonograd::factor(precision_of(q.type), p[j]) *
                 values.read(v, {b, h, static_cast<std::int64_t>(j), c});
      values.write(y, {b, h, i, c}, total / sum);
    }
  });
}

void multiply(const Step& step, Values& values) {
  const Place &a = step.read[0], &b = step.read[1], &c = step.written[0];
  static int runs = 0;  // sums in f32 of their own are added up in any order [frontend]
  const float any =
      !c.is_virtual && c.type == CUDNN_DATA_FLOAT ? 1 + 1e-3F * static_cast<float>(++runs % 4) : 1;
  for_each(c.sizes, [&](const Sizes& at) {
    float sum = 0;
    for (std::int64_t l = 0; l < a.sizes[3]; ++l)
      sum += sonograd::factor(precision_of(b.type), values.read(a, {at[0], at[1], at[2], l})) *
             values.read(b, {at[0], at[1], l, at[3]});
    values.write(c, at, sum * any);
  });
}

void run(const Step& step, Values& values) {
  const Place &x = step.read[0], &y = step.written[0];
  if (step.type == CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR) return attend(step, values);
  if (step.type == CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR) return multiply(step, values);
  if (step.type == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR) {
    for_each(y.sizes, [&](const Sizes& at) { values.write(y, at, 0); });
    const auto kept = [&](Sizes at) {
      for (std::size_t axis = 0; axis < 4; ++axis) at[axis] = y.sizes[axis] == 1 ? 0 : at[axis];
      return at;
    };
    return for_each(x.sizes, [&](const Sizes& at) {
      values.write(y, kept(at), values.read(y, kept(at)) + values.read(x, at));
    });
  }
  if (step.type == CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR) {  // the same memory, told of otherwise
    const auto flat = [](Place place) {
      place.sizes = {1, 1, 1, place.elements()};
      place.strides = {1, 1, 1, 1};
      return place;
    };
    const Place from = flat(x), to = flat(y);
    return for_each(from.sizes, [&](const Sizes& at) { values.write(to, at, values.read(from, at)); });
  }
  for_each(y.sizes, [&](const Sizes& at) {
    const float a = values.read(x, at), b = step.read.size() > 1 ? values.read(step.read[1], at) : 0;
    values.write(y, at,
                 step.mode == CUDNN_POINTWISE_MUL   ? a * b
                 : step.mode == CUDNN_POINTWISE_SUB ? a - b
                 : step.mode == CUDNN_POINTWISE_EXP ? std::exp(a)
                                                    : a);
  });
}

}  // namespace

cudnnStatus_t gpu_standin::check_attention_part(const Descriptor& operation) {
  switch (operation.type) {
    case CUDNN_BACKEND_MATMUL_DESCRIPTOR:
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_REDUCTION_DESCRIPTOR:
      for (const auto name :
           {CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_ATTR_REDUCTION_COMP_TYPE})
        if (operation.has(name) && operation.one<cudnnDataType_t>(name) != CUDNN_DATA_FLOAT)
          return bad("sums of attention that are not f32's");
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
      return check_step(step_of(operation));
    default:
      return CUDNN_STATUS_SUCCESS;
  }
}

bool gpu_standin::is_attention(const Descriptor& graph) {
  const auto type = graph.part(CUDNN_ATTR_OPERATIONGRAPH_OPS).type;
  return type != CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR &&
         type != CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR &&
         type != CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
}

cudnnStatus_t gpu_standin::check_attention(const Descriptor& graph) {
  std::map<std::int64_t, Place> known;  // by id
  std::map<std::int64_t, bool> written;
  for (const Step& step : steps_of(graph)) {
    // [llm.c] Statistics are f32: those that are written, and those that are taken from a score.
    const bool forward = step.type == CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR;
    const bool taken =
        step.type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR && step.mode == CUDNN_POINTWISE_SUB;
    if ((forward && step.written[1].type != CUDNN_DATA_FLOAT) ||
        (taken && step.read[1].type != CUDNN_DATA_FLOAT))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "statistics of attention that are not f32");
    for (const Place& each : step.read)
      if (each.is_virtual && !written[each.id]) return bad("a virtual tensor that nothing wrote before");
    for (const Place& each : step.written) {
      if (written[each.id]) return bad("a tensor that is written twice");
      written[each.id] = true;
    }
    for (const auto* const places : {&step.read, &step.written})
      for (const Place& each : *places) {
        const Place& first = known.emplace(each.id, each).first->second;
        if (first.type != each.type || first.strides != each.strides || first.sizes != each.sizes)
          return bad("two tensors of one id");
        const bool row = each.sizes[3] == 1;
        // [frontend] refuses other layouts of q, k, v and y, but gives k and v transposed to products
        const bool innermost = each.strides[3] == 1 || (each.strides[2] == 1 && !forward);
        if (!each.is_virtual && !each.by_value && !row && !innermost)
          return refuse(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "attention whose channels do not lie innermost");
      }
  }
  return CUDNN_STATUS_SUCCESS;
}

// [tried], [real library]: no engine for another size of heads, for f32 to go back, before sm_80. Of f32
// forward there is one, which rounds to 10 bits: not ours to ask for.
bool gpu_standin::has_attention_engine(const Descriptor& graph) {
  const std::vector<Step> steps = steps_of(graph);
  const Place& q = steps[0].read[0];  // of backward: dy, which is like q
  const bool backward = steps.size() > 1;
  if (q.type == CUDNN_DATA_FLOAT) fault("cuDNN: attention of f32, which it would round or has no engine for");
  return q.type != CUDNN_DATA_FLOAT && q.sizes[3] % 8 == 0 && q.sizes[3] <= (backward ? 128 : 256) &&
         machine().major >= 8;
}

std::int64_t gpu_standin::attention_workspace(const Descriptor& graph) {
  const std::vector<Step> steps = steps_of(graph);
  return 3001 + 8 * steps[0].read[0].sizes[2] + 64 * static_cast<std::int64_t>(steps.size());
}

cudnnStatus_t gpu_standin::find_attention(const Descriptor& graph, const std::map<std::int64_t, void*>& given,
                                          std::function<void()>& work) {
  std::vector<Step> steps = steps_of(graph);
  std::map<std::int64_t, float> numbers;
  for (Step& step : steps)
    for (auto* const places : {&step.read, &step.written})
      for (Place& each : *places) {
        if (each.is_virtual) continue;
        const auto found = given.find(each.id);
        if (found == given.end()) return bad(fmt::format("tensor {} of attention has no address", each.id));
        each.address = found->second;
        if (each.by_value) {
          if (of_gpu(each.address)) return bad("a number by value that lies on the gpu");
          numbers[each.id] = *static_cast<const float*>(each.address);  // which are read at the call
        } else if (reinterpret_cast<std::uintptr_t>(each.address) % 16 != 0) {
          return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
                        "an address of attention out of alignment");
        } else if (!reaches(each.address, each.bytes(), "a tensor of attention")) {
          return CUDNN_STATUS_BAD_PARAM;
        }
      }
  work = [steps, numbers]() mutable {
    Values values;
    for (Step& step : steps) {
      for (Place& each : step.read)
        if (each.by_value) each.address = &numbers[each.id];
      run(step, values);
    }
  };
  return CUDNN_STATUS_SUCCESS;
}
