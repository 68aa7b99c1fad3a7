#pragma once
#include <string_view>
#include <type_traits>

#include "tensor/shape.h"

namespace sonograd {

enum class DType { f32, f64 };
enum class Device { reference, cpu, gpu };

constexpr Int size_of(DType dtype) {
  return dtype == DType::f32 ? 4 : 8;
}
constexpr std::string_view name_of(DType dtype) {
  return dtype == DType::f32 ? "f32" : "f64";
}
constexpr std::string_view name_of(Device device) {
  return device == Device::reference ? "reference" : device == Device::cpu ? "cpu" : "gpu";
}

// Of the two types of elements; for any other T it does not compile.
template <class T>
requires(std::is_same_v<T, float> ||
         std::is_same_v<T, double>) constexpr DType dtype_of = std::is_same_v<T, float> ? DType::f32
                                                                                        : DType::f64;

// Calls f(float{}) or f(double{}): the one place where a data type becomes a C++ type.
template <class F>
decltype(auto) with_type(DType dtype, F&& f) {
  return dtype == DType::f32 ? f(float{}) : f(double{});
}

}  // namespace sonograd
