#include "ops/conv2d/krsc.h"

#include <map>
#include <mutex>
#include <utility>

#include "tensor/gpu/cublas.h"
#include "tensor/gpu/runtime.h"

namespace sonograd {
namespace {

struct Turned {
  std::weak_ptr<Storage> source;
  std::uint64_t version;
  Tensor krsc;
};

struct Kept {
  std::mutex mutex;
  std::map<std::pair<const Storage*, Int>, Turned> turned;  // by storage and offset
};
Kept& kept() {
  if (Kept* const of_graph = gpu::kept_for_graph<Kept>()) return *of_graph;
  static Kept* const the_kept = new Kept;  // never destroyed: it holds memory of the gpu
  return *the_kept;
}

}  // namespace

Tensor krsc_of(const Tensor& w) {
  Kept& all = kept();
  const std::lock_guard lock(all.mutex);
  const Shape krsc{w.size(3), w.size(0), w.size(1), w.size(2)};
  for (auto each = all.turned.begin(); each != all.turned.end();)
    each = each->second.source.expired() ? all.turned.erase(each) : std::next(each);
  const auto found = all.turned.find({w.storage().get(), w.offset()});
  if (found != all.turned.end() && !w.storage()->written_since(found->second.version, w.region()) &&
      found->second.krsc.shape() == krsc)
    return found->second.krsc;
  const std::uint64_t version = w.storage()->version();
  Tensor turned = Tensor::empty(krsc, DType::f32, Device::gpu);
  cublas::transpose(w.elements() / w.size(3), w.size(3), w.gpu_data<float>(),
                    turned.mutable_gpu_data<float>());
  all.turned[{w.storage().get(), w.offset()}] = {w.storage(), version, turned};
  return turned;
}

void turn_back(const Tensor& krsc, Tensor& w) {
  cublas::transpose(w.size(3), w.elements() / w.size(3), krsc.gpu_data<float>(), w.mutable_gpu_data<float>());
}

}  // namespace sonograd
