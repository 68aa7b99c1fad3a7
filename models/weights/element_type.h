#pragma once
#include <cstddef>
#include <optional>

#include "models/weights/weight_file.h"

namespace sonograd {

constexpr Int size_of(ElementType type) {
  return type == ElementType::f64 || type == ElementType::i64 ? 8 : type == ElementType::f32 ? 4 : 2;
}
constexpr DType memory_type(ElementType type) {
  return size_of(type) == 8 ? DType::f64 : DType::f32;
}
std::optional<ElementType> element_type(std::string_view name);

// A dense tensor from a file's little-endian elements, which `fill` writes to the address it is given.
// Integers past ±2^53, which no f64 holds, are an Error.
Tensor decode(ElementType type, const Shape& shape, const std::function<void(void*)>& fill);

// The elements of a tensor as a file of `type` (f64, f32 or i64) holds them: `write` gets the bytes.
void encode(ElementType type, const Tensor& value,
            const std::function<void(const void*, std::size_t)>& write);

// What a tensor of a file is written as: half precision as F32, all else as it is.
constexpr ElementType written_type(ElementType type) {
  return size_of(type) == 2 ? ElementType::f32 : type;
}

// How an error line about a file's bytes ends.
constexpr auto damaged = "the file is damaged: copy or download it again";

}  // namespace sonograd
