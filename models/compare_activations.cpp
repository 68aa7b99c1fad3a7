#include "models/compare_activations.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "layers/keras_names.h"

namespace sonograd {
namespace {

constexpr auto input_name = "input";

const StoredTensor& stored_input(const StoredTensors& dump) {
  const auto found =
      std::find_if(dump.begin(), dump.end(), [](const StoredTensor& t) { return t.name == input_name; });
  expect(found != dump.end(), "the dump holds no `{}`, the images that the layers saw", input_name);
  const Shape& shape = found->shape;
  expect(shape.rank() == 4 && (shape[3] == 3 || shape[1] == 3),
         "the dump's `{}` must be images [batch, height, width, 3] or [batch, 3, height, width], it is {}",
         input_name, shape.text());
  return *found;
}

bool has_channels_first(const StoredTensor& input) {
  return input.shape[3] != 3;
}

// [batch, channels, height, width] -> [batch, height, width, channels]
Tensor channels_last(const Tensor& x) {
  const Strides& s = x.strides();
  return x.view(0, {x.size(0), x.size(2), x.size(3), x.size(1)}, {s[0], s[2], s[3], s[1]}).copy();
}

template <class Bits, class T>
std::uint64_t distance(T x, T y) {
  if (x == y || (std::isnan(x) && std::isnan(y))) return 0;
  constexpr Bits sign = Bits{1} << (8 * sizeof(Bits) - 1);
  const auto a = std::bit_cast<Bits>(x), b = std::bit_cast<Bits>(y);
  const Bits size_a = a & ~sign, size_b = b & ~sign;
  if ((a & sign) != (b & sign)) return std::uint64_t{size_a} + size_b;
  return size_a > size_b ? size_a - size_b : size_b - size_a;
}

template <class T>
void compare_values(const T* ours, const T* theirs, Int n, LayerComparison& layer) {
  double largest = 0;
  for (Int i = 0; i < n; ++i) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(units_in_last_place(ours[i], theirs[i])));
    if (layer.ulps.size() <= bucket) layer.ulps.resize(bucket + 1);
    ++layer.ulps[bucket];
    const double x = ours[i], y = theirs[i];
    if (std::isfinite(y)) largest = std::max(largest, std::abs(y));
    double error = bucket == 0 ? 0 : std::abs(x - y);
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    if (i > 0 && error <= layer.largest_error) continue;
    layer.largest_error = error;
    layer.worst = i;
    layer.our_value = x;
    layer.their_value = y;
  }
  layer.relative_error = layer.largest_error == 0 ? 0 : layer.largest_error / largest;
}

}  // namespace

std::uint64_t units_in_last_place(float x, float y) {
  return distance<std::uint32_t>(x, y);
}
std::uint64_t units_in_last_place(double x, double y) {
  return distance<std::uint64_t>(x, y);
}

const LayerComparison* ActivationComparison::first_that_differs() const {
  const auto found = std::find_if(layers.begin(), layers.end(), [](const auto& l) { return l.differs; });
  return found == layers.end() ? nullptr : &*found;
}

Tensor input_of(const StoredTensors& dump, DType dtype, Device device) {
  const StoredTensor& stored = stored_input(dump);
  const Tensor input = stored.read();
  return (has_channels_first(stored) ? channels_last(input) : input).to(dtype).to(device);
}

ActivationComparison compare_activations(const Model& model, const Tensor& images, const StoredTensors& dump,
                                         const CompareActivations& options) {
  ActivationComparison result;
  result.channels_first = has_channels_first(stored_input(dump));
  std::map<std::string, const StoredTensor*> waiting;
  for (const StoredTensor& tensor : dump)
    if (tensor.name != input_name) waiting[keras_name(tensor.name)] = &tensor;

  Context context{.fuse = false};
  context.on_output = [&](const std::string& path, Tensor& y) {
    const auto found = waiting.find(keras_name(path));
    if (found == waiting.end()) {
      result.ours_alone.push_back(path);
      return;
    }
    Tensor theirs = found->second->read().to(y.dtype());
    waiting.erase(found);
    LayerComparison layer{.layer = path, .ours = y.shape(), .theirs = theirs.shape()};
    if (result.channels_first && theirs.rank() == 4) theirs = channels_last(theirs);
    layer.differs = theirs.shape() != y.shape();
    if (!layer.differs) {
      const Tensor ours = y.to(Device::cpu).as_dense();
      with_type(y.dtype(), [&](auto zero) {
        using T = decltype(zero);
        compare_values(ours.data<T>(), theirs.data<T>(), y.elements(), layer);
      });
      layer.differs = !(layer.relative_error <= options.tolerance);
      if (options.isolate) y.assign(theirs.to(y.device()));
    }
    result.layers.push_back(std::move(layer));
  };
  const NoGrad quiet;
  model.logits(images, context);
  for (const auto& [name, tensor] : waiting) result.theirs_alone.push_back(tensor->name);
  expect(!result.layers.empty(), "the dump holds no output of a layer of {}: none of {} has the name of one",
         model.options().name, result.theirs_alone.size());
  return result;
}

}  // namespace sonograd
