#pragma once
#include "layers/layer.h"
#include "ops/pooling/pooling.h"
#include "ops/reduce/reduce.h"

namespace sonograd {

enum class Pooling { average, max };
constexpr const char* name_of(Pooling pooling) {
  return pooling == Pooling::max ? "max" : "avg";
}
inline Pooling pooling_named(std::string_view name) {  // throws Error for any other name
  expect(name == name_of(Pooling::average) || name == name_of(Pooling::max),
         "there is no pooling {}; choose avg or max", name);
  return name == name_of(Pooling::max) ? Pooling::max : Pooling::average;
}

// [batch, height, width, channels] -> [batch, channels]
struct GlobalPooling {
  static constexpr auto kind = "GlobalPooling";
  Pooling pooling = Pooling::average;

  Tensor operator()(const Tensor& x, Context&) const {
    return pooling == Pooling::average ? mean(x, {1, 2}) : max(x, {1, 2});
  }
};

// Windows over height and width.
struct WindowPooling {
  static constexpr auto kind = "WindowPooling";
  Pooling pooling = Pooling::average;
  PoolWindow windows = {};

  Tensor operator()(const Tensor& x, Context&) const {
    return pooling == Pooling::average ? average_pool2d(x, windows) : max_pool2d(x, windows);
  }
};

}  // namespace sonograd
