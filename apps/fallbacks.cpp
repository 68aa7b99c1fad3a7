#include "apps/fallbacks.h"

#include <cstdio>

#include "base/error.h"
#include "ops/conv2d/unserved.h"

namespace sonograd {
namespace {

std::string counted(std::size_t convolutions) {
  return fmt::format("{} convolution{}", convolutions, convolutions == 1 ? "" : "s");
}

}  // namespace

std::string fallback_text() {
  const std::vector<std::string> all = convolution::unserved();
  return all.empty() ? "" : ", " + counted(all.size()) + " as products of matrices";
}

void tell_fallbacks() {
  const std::vector<std::string> all = convolution::unserved();
  if (all.empty()) return;
  fmt::print(
      stderr,
      "sonograd: cuDNN had no engine, or a slow one alone, for {}, computed as products of matrices: {}{}\n",
      counted(all.size()), all.front(), all.size() > 1 ? " and others" : "");
}

}  // namespace sonograd
