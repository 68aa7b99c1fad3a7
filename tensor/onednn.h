#pragma once
#include <oneapi/dnnl/dnnl.hpp>

#include <unordered_map>
#include <vector>

#include "tensor/cache.h"
#include "tensor/tensor.h"
#include "tensor/view.h"

// oneDNN's handles, and the only place that knows how its versions 2 and 3 differ. For *.cpu.cpp files alone.
// Debian has 2.6. Another one under ROOT: cmake --preset release -Ddnnl_DIR=ROOT/lib/cmake/dnnl
namespace sonograd::onednn {

const dnnl::engine& engine();
dnnl::stream& stream();  // of this thread

// A primitive descriptor from the operation's arguments; `hint` is the forward one that a backward one needs.
// The scratchpad is ours (run() below), so that the pool counts it.
inline dnnl::primitive_attr own_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}
#if DNNL_VERSION_MAJOR >= 3
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe(const Arguments&... arguments) {
  return {engine(), arguments..., own_scratchpad()};
}
template <class Primitive, class Hint, class... Arguments>
typename Primitive::primitive_desc describe_backward(const Hint& hint, const Arguments&... arguments) {
  return {engine(), arguments..., hint, own_scratchpad()};
}
#else
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe(const Arguments&... arguments) {
  return {typename Primitive::desc(arguments...), own_scratchpad(), engine()};
}
template <class Primitive, class Hint, class... Arguments>
typename Primitive::primitive_desc describe_backward(const Hint& hint, const Arguments&... arguments) {
  return {typename Primitive::desc(arguments...), own_scratchpad(), engine(), hint};
}
#endif

// Memory that oneDNN reads or writes; it takes no const pointer.
inline dnnl::memory bind(const dnnl::memory::desc& layout, const void* data) {
  return {layout, engine(), const_cast<void*>(data)};
}

// Runs the primitive and waits for it; scratch is the size in bytes that its descriptor asks for.
void run(const dnnl::primitive& primitive, const dnnl::memory::desc& scratch,
         std::unordered_map<int, dnnl::memory> arguments);

// c = a·b + keep·c for matrices of which one stride is 1 (is_gemm_matrix); c is row-major. False where the
// library has no memory. Uses all threads, or one inside of a parallel region.
[[nodiscard]] bool gemm(const View<const float>& a, const View<const float>& b, const View<float>& c,
                        float keep = 0);
bool is_gemm_matrix(const Shape& shape, const Strides& strides);

using sonograd::Cache;  // of primitives, by attributes and shapes

}  // namespace sonograd::onednn
