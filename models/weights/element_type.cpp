#include "models/weights/element_type.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tensor/precision.h"

namespace sonograd {
namespace {

static_assert(std::endian::native == std::endian::little, "weight files are read as they lie on the disk");

constexpr ElementType all_types[] = {ElementType::f64, ElementType::f32, ElementType::f16, ElementType::bf16,
                                     ElementType::i64};
constexpr Int exact_integers = Int{1} << 53;  // f64 holds every integer up to here

}  // namespace

std::string_view name_of(ElementType type) {
  constexpr std::string_view names[] = {"F64", "F32", "F16", "BF16", "I64"};
  return names[static_cast<int>(type)];
}

std::optional<ElementType> element_type(std::string_view name) {
  for (const ElementType type : all_types)
    if (name_of(type) == name) return type;
  return std::nullopt;
}

Tensor decode(ElementType type, const Shape& shape, const std::function<void(void*)>& fill) {
  Tensor value = Tensor::empty(shape, memory_type(type));
  const auto count = static_cast<std::size_t>(shape.elements());
  if (type == ElementType::f64) {
    fill(value.mutable_data<double>());
  } else if (type == ElementType::f32) {
    fill(value.mutable_data<float>());
  } else if (type == ElementType::i64) {
    std::vector<std::int64_t> integers(count);
    fill(integers.data());
    std::transform(integers.begin(), integers.end(), value.mutable_data<double>(), [](std::int64_t i) {
      expect(-exact_integers <= i && i <= exact_integers,
             "the integer {} is past ±2^53: it is no weight or count", i);
      return static_cast<double>(i);
    });
  } else {
    std::vector<std::uint16_t> halves(count);
    fill(halves.data());
    std::transform(halves.begin(), halves.end(), value.mutable_data<float>(),
                   type == ElementType::f16 ? Float16::value : Bfloat16::value);
  }
  return value;
}

void encode(ElementType type, const Tensor& value,
            const std::function<void(const void*, std::size_t)>& write) {
  const auto bytes = static_cast<std::size_t>(value.elements() * size_of(type));
  const Tensor dense = value.to(Device::cpu).to(memory_type(type)).as_dense();
  if (type == ElementType::f32) return write(dense.data<float>(), bytes);
  if (type == ElementType::f64) return write(dense.data<double>(), bytes);
  expect(type == ElementType::i64, "{} is read, never written", name_of(type));
  std::vector<std::int64_t> integers(static_cast<std::size_t>(value.elements()));
  std::transform(dense.data<double>(), dense.data<double>() + value.elements(), integers.begin(),
                 [](double v) {
                   expect(std::abs(v) <= static_cast<double>(exact_integers) && v == std::trunc(v),
                          "{} is no integer, and I64 was asked for", v);
                   return static_cast<std::int64_t>(v);
                 });
  write(integers.data(), bytes);
}

}  // namespace sonograd
