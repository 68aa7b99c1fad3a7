#include "train/features.h"

#include <algorithm>

#include "autograd/tape.h"
#include "train/evaluate.h"

namespace sonograd {

Tensor BaseFeatures::of(std::span<const Int> pictures) const {
  Shape shape = values.shape();
  const Int row = values.elements() / shape[0];
  shape[0] = static_cast<Int>(pictures.size());
  Tensor chosen = Tensor::empty(shape, values.dtype(), values.device());
  with_type(values.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* to = chosen.mutable_data<T>();
    for (const Int i : pictures)
      to = std::copy_n(values.data<T>() + row_of[static_cast<std::size_t>(i)] * row, row, to);
  });
  return chosen;
}

BaseFeatures features_of(const Model& model, const ImageSet& images, const std::vector<Int>& pictures,
                         Int batch, const std::function<void(Int done)>& done) {
  const NoGrad quiet;
  const std::span<const Int> all(pictures);
  BaseFeatures features{{}, std::vector<Int>(static_cast<std::size_t>(images.size()), -1)};
  for (std::size_t begin = 0; begin < all.size(); begin += static_cast<std::size_t>(batch)) {
    const auto part = all.subspan(begin, std::min(static_cast<std::size_t>(batch), all.size() - begin));
    Context context;
    const Tensor made = model.features(images_for(model, images, part), context).as_dense();
    if (begin == 0) {
      Shape shape = made.shape();
      shape[0] = static_cast<Int>(all.size());
      features.values = Tensor::empty(shape, made.dtype(), made.device());
    }
    with_type(made.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const Int row = made.elements() / made.size(0);
      std::copy_n(made.data<T>(), made.elements(),
                  features.values.mutable_data<T>() + static_cast<Int>(begin) * row);
    });
    for (std::size_t i = 0; i < part.size(); ++i)
      features.row_of[static_cast<std::size_t>(part[i])] = static_cast<Int>(begin + i);
    if (done) done(static_cast<Int>(begin + part.size()));
  }
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
