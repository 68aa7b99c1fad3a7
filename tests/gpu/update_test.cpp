// Many updates at once beside the same one by one: to the bit.
#include "ops/update/update.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/strided.h"
#include "layers/moving_average.h"
#include "tensor/gpu/gpu.h"
#include "tests/error_of.h"
#include "train/optimizer.h"

using namespace sonograd;
using Values = std::vector<std::vector<double>>;

namespace {

Tensor drawn(const Shape& shape, std::uint64_t seed, double offset = 0) {
  Tensor x = Tensor::empty(shape, DType::f32, Device::cpu);
  initialise(x, {Init::Kind::uniform, 1}, Random(seed));
  for (Int i = 0; i < x.elements(); ++i) x.mutable_data<float>()[i] += static_cast<float>(offset);
  return x.to(Device::gpu);
}

// More than two launches take, of one piece, of several, of none.
std::vector<Shape> shapes() {
  std::vector<Shape> list{{2048}, {2049}, {0, 3}, {3, 3, 17, 40}, {}, {2047}, {70001}};
  for (Int i = 0; i < 230; ++i) list.push_back({1 + i * 37 % 300});
  list.push_back({5000});
  return list;
}

// Updates of a tensor of each shape, on fresh copies; the gradient of every fifth has gaps.
template <class O, class Op>
std::vector<Update<O>> updates_of(int inputs, const Op& op_of) {
  std::vector<Update<O>> list;
  for (const Shape& shape : shapes()) {
    const auto seed = static_cast<std::uint64_t>(list.size());
    Tensors in;
    for (int k = 0; k < inputs; ++k)
      in.push_back(drawn(shape, seed * 7 + static_cast<std::uint64_t>(k), k == 2));
    if (seed % 5 == 4) in.back() = with_gaps(in.back());
    list.push_back({op_of(seed), in});
  }
  return list;
}

template <class O>
Values values_of(const std::vector<Update<O>>& updates) {
  Values values;
  for (const auto& update : updates)
    for (const Tensor& x : update.inputs) values.push_back(x.values());
  return values;
}

template <class O, class Op>
void check_many(int inputs, const Op& op_of) {
  const auto together = updates_of<O>(inputs, op_of), each = updates_of<O>(inputs, op_of);
  const Values before = values_of(each);
  update_in_place(together);
  for (const auto& update : each) update_in_place<O>({update});
  const Values values = values_of(together);
  CHECK((values == values_of(each)));
  std::size_t changed = 0;
  for (std::size_t i = 0; i < values.size(); ++i) changed += values[i] != before[i];
  CHECK(changed == detail::output_count<O>() * (together.size() - 1));  // all but the empty one's
}

}  // namespace

TEST_CASE("many updates at once are those one by one, each by its own numbers") {
  check_many<AdamUpdate>(4, [](std::uint64_t k) {
    return AdamUpdate{.rate = 0.1, .beta1 = 0.5 + 0.001 * static_cast<double>(k)};
  });
  check_many<SgdUpdate>(
      3, [](std::uint64_t k) { return SgdUpdate{.rate = 0.1, .momentum = 0.001 * static_cast<double>(k)}; });
  check_many<AverageUpdate>(2, [](std::uint64_t k) {
    return AverageUpdate{.keep = 0.9, .take = 0.001 * static_cast<double>(k + 1)};
  });
}

TEST_CASE("updates that meet come one after the other") {
  Tensor a = Tensor::filled({3000}, 1, DType::f32, Device::gpu), b = a.copy(), c = a.copy();
  const Tensor x = Tensor::filled({3000}, 2, DType::f32, Device::gpu);
  apply_updates({{a, x, 0.5},   // 1.5
                 {b, x, 0.25},  // 1.75
                 {a, x, 0.5},   // 1.75: of what the first left
                 {c, a, 0},     // 1.75: reads it
                 {b, c, 0.5},   // 1.75
                 {a, x, 0}});   // 2: after it was read
  CHECK(a.at(2999) == 2);
  CHECK(b.at(2999) == 1.75);
  CHECK(c.at(2999) == 1.75);
  Tensor whole = Tensor::filled({4}, 1, DType::f32, Device::gpu);
  const Tensor ones = Tensor::filled({2}, 1, DType::f32, Device::gpu);
  apply_updates({{whole.slice(0, 0, 2), whole.slice(0, 2, 4), 0.5, 3},  // 0.5 + 1.5
                 {whole.slice(0, 2, 4), whole.slice(0, 0, 2), 0.5},     // 0.5 + 1
                 {whole.slice(0, 1, 3), ones, 0}});
  CHECK(whole.values() == std::vector<double>{2, 1, 1, 1.5});
}

TEST_CASE("copies of gradients with gaps do not pile up") {
  constexpr Int mebibyte = 1 << 18;  // elements
  const Tensor gradient = with_gaps(Tensor::filled({mebibyte * 4}, 1, DType::f32, Device::gpu));
  std::vector<Update<SgdUpdate>> updates;
  for (int i = 0; i < 12; ++i)
    updates.push_back({{.rate = 1},
                       {Tensor::zeros({mebibyte * 4}, DType::f32, Device::gpu),
                        Tensor::zeros({mebibyte * 4}, DType::f32, Device::gpu), gradient}});
  gpu::reset_peak();
  const Int live = gpu::live_bytes();
  update_in_place(updates);
  CHECK(gpu::peak_bytes() - live == Int{16} << 20);
  for (const auto& update : updates) CHECK(update.inputs[0].at(5) == -1);
  gpu::reset_peak();
  CHECK(squared_norms(Tensors(12, gradient)).at(11) == mebibyte * 4);
  CHECK(gpu::peak_bytes() - live <= (Int{16} << 20) + (1 << 16));
}

TEST_CASE("the norms of many gradients are those of each, to the bit") {
  Tensors list;
  for (const Shape& shape : shapes()) list.push_back(drawn(shape, static_cast<std::uint64_t>(list.size())));
  list[1] = with_gaps(list[1]);
  const std::vector<double> together = squared_norms(list).values();
  for (std::size_t i = 0; i < list.size(); ++i) {
    CHECK(squared_norms({list[i]}).item() == together[i]);
    double sum = 0;
    for (const double x : list[i].values()) sum += x * x;
    CHECK(together[i] == doctest::Approx(sum).epsilon(1e-12));
  }
  CHECK(squared_norms({}).elements() == 0);
}

TEST_CASE("a wrong update among many is named, and so is what is not on the gpu") {
  const auto zeros = [](const Shape& shape, Device device) {
    return Tensor::zeros(shape, DType::f32, device);
  };
  const auto said = [&](Tensor last) {
    const Tensor x = zeros({2}, Device::gpu);
    return error_of([&] { update_in_place<AverageUpdate>({{{}, {x, x.copy()}}, {{}, {x.copy(), last}}}); });
  };
  CHECK(said(zeros({3}, Device::gpu)) ==
        "average_update: x [3] has not the shape [2] of what it updates; a [2], x [3]");
  CHECK(said(zeros({2}, Device::cpu)) == "average_update: inputs on gpu and cpu; a [2], x [2]");
}
