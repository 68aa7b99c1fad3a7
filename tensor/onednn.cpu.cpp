#include "tensor/onednn.h"

#include "tensor/libraries.h"

namespace sonograd::onednn {
namespace {

// A matrix as the library's gemm is told of it: rows `leading` elements apart, or lying transposed.
struct Layout {
  char transposed = 'N';
  Int leading = 0;  // 0: not such a matrix
};

Layout layout_of(const Shape& shape, const Strides& strides) {
  const Int rows = shape[0], columns = shape[1], one = 1;
  if ((strides[1] == 1 || columns <= 1) && (rows <= 1 || strides[0] >= std::max(columns, one)))
    return {'N', rows <= 1 ? std::max(columns, one) : strides[0]};
  if ((strides[0] == 1 || rows <= 1) && (columns <= 1 || strides[1] >= std::max(rows, one)))
    return {'T', columns <= 1 ? std::max(rows, one) : strides[1]};
  return {};
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

void run(const dnnl::primitive& primitive, const dnnl::memory::desc& scratch,
         std::unordered_map<int, dnnl::memory> arguments) {
  const Storage space(static_cast<Int>(scratch.get_size()));
  arguments.emplace(DNNL_ARG_SCRATCHPAD, bind(scratch, space.data()));
  primitive.execute(stream(), arguments);
  stream().wait();
}

bool is_gemm_matrix(const Shape& shape, const Strides& strides) {
  return layout_of(shape, strides).leading > 0;
}

bool gemm(const View<const float>& a, const View<const float>& b, const View<float>& c, float keep) {
  const Int m = c.size(0), n = c.size(1), k = a.size(1);
  if (m == 0 || n == 0) return true;
  if (k == 0) {
    for_each_index(c.shape, [&](const Shape& i) { c(i) = keep == 0 ? 0 : keep * c(i); });
    return true;
  }
  const Layout la = layout_of(a.shape, a.strides), lb = layout_of(b.shape, b.strides),
               lc = layout_of(c.shape, c.strides);
  return dnnl_sgemm(la.transposed, lb.transposed, m, n, k, 1, a.first, la.leading, b.first, lb.leading, keep,
                    c.first, lc.leading) == dnnl_success;
}

}  // namespace sonograd::onednn

namespace sonograd {

std::string onednn_version() {
  const dnnl_version_t* const version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace sonograd
