#include "train/base_features.h"

#include <algorithm>

#include "autograd/tape.h"
#include "data/loader.h"
#include "tensor/out_of_memory.h"
#include "train/evaluate.h"

namespace sonograd {

Tensor BaseFeatures::of(std::span<const Int> pictures) const {
  Shape shape = values.shape();
  shape[0] = static_cast<Int>(pictures.size());
  Tensor chosen = Tensor::empty(shape, values.dtype(), values.device());
  Int to = 0;
  for (const Int i : pictures) {
    const Int from = row_of[static_cast<std::size_t>(i)];
    chosen.slice(0, to, to + 1).assign(values.slice(0, from, from + 1));
    ++to;
  }
  return chosen;
}

BaseFeatures features_of(const Model& model, const ImageSet& images, const std::vector<Int>& pictures,
                         Int batch, const std::function<void(Int done)>& done, Group& group) {
  const NoGrad quiet;
  const auto count = static_cast<Int>(pictures.size());
  BaseFeatures features{{}, std::vector<Int>(static_cast<std::size_t>(images.size()), -1)};
  for (Int row = 0; row < count; ++row)
    features.row_of[static_cast<std::size_t>(pictures[static_cast<std::size_t>(row)])] = row;
  if (count == 0) return features;
  const auto made_of = [&](std::span<const Int> some) {
    Context context;
    return model.features(images_for(model, images, some), context).as_dense();
  };
  const Tensor one = made_of(std::span(pictures).first(1));  // tells the shape
  Shape shape = one.shape();
  shape[0] = count;
  features.values = allocating([] { return std::string("the base's features of all pictures"); },
                               [&] { return Tensor::zeros(shape, one.dtype(), one.device()); });
  const Share share{group.rank(), group.size()};
  const Int end = share.end(count);
  for (Int begin = share.begin(count); begin < end; begin += batch) {
    const auto part = std::span(pictures).subspan(static_cast<std::size_t>(begin),
                                                  static_cast<std::size_t>(std::min(end - begin, batch)));
    const auto made_of_first = [&](Int n) { return made_of(part.first(static_cast<std::size_t>(n))); };
    const Tensor made = within_memory(static_cast<Int>(part.size()), made_of_first);
    features.values.slice(0, begin, begin + made.size(0)).assign(made);
    if (done) done(begin + static_cast<Int>(part.size()));
  }
  if (!group.alone()) group.sum(features.values);  // zeros where others computed
  return features;
}

bool base_draws(const Model& model, const ImageSet& images, std::span<const Int> pictures,
                const Random& random) {
  const NoGrad quiet;
  const Tensor batch = images_for(model, images, pictures);
  Context inference, training{.training = true, .random = random};
  return model.features(batch, inference).values() != model.features(batch, training).values();
}

}  // namespace sonograd
