#include "data/loader.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/shuffle.h"

namespace sonograd {

std::vector<Int> epoch_order(std::vector<Int> samples, std::uint64_t seed, Int epoch) {
  return shuffled(std::move(samples), Random(seed, "shuffle").at(epoch));
}

Loader::Loader(const ImageSet& images, std::vector<Int> labels, std::vector<Int> samples,
               LoaderOptions options)
    : images(&images), labels(std::move(labels)), samples(std::move(samples)), options(options) {
  expect(options.batch >= 1, "loader: a batch of {} images", options.batch);
  expect(!(options.wrap && options.shuffle), "loader: batches that wrap round are not shuffled");
  expect(!this->samples.empty(), "loader: no samples");
  expect(static_cast<Int>(this->labels.size()) == images.size(), "loader: {} labels for {} images",
         this->labels.size(), images.size());
}

// As batch_of, each picture as this epoch shows it.
static Tensor augmented_batch(const ImageSet& images, const std::vector<Int>& samples,
                              const Augmentation& how, const Random& random) {
  Tensor batch = Tensor::empty({static_cast<Int>(samples.size()), images.height, images.width, 3});
  float* out = batch.mutable_data<float>();
  for (const Int i : samples) {
    write_augmented(images, i, how, random, out);
    out += images.height * images.width * 3;
  }
  return batch;
}

Int Loader::batches() const {
  return (static_cast<Int>(samples.size()) + options.batch - 1) / options.batch;
}

void Loader::start(Int number, Int position) {
  epoch = number;
  pending = {};
  order = options.shuffle ? epoch_order(samples, options.seed, epoch) : samples;
  upcoming = position;
  prefetch();
}

Batch Loader::next() {
  expect(!done(), "loader: the epoch is over; start the next one");
  Batch batch = pending.get();
  prefetch();
  return batch;
}

void Loader::prefetch() {
  if (!options.wrap && upcoming >= batches()) return;
  const Int n = static_cast<Int>(order.size());
  const Int begin = upcoming++ * options.batch;
  const Int whole = options.wrap ? options.batch : std::min(options.batch, n - begin);
  Batch batch;
  batch.first = options.share.begin(whole);
  batch.counted = options.share.end(whole) - batch.first;
  batch.whole = whole;
  const Int first = begin + std::min(batch.first, whole - 1);
  for (Int i = first; i < first + std::max<Int>(batch.counted, 1); ++i) {
    batch.samples.push_back(order[i % n]);
    batch.labels.push_back(labels[order[i % n]]);
  }
  const Random random = Random(options.seed, "augmentation").at(epoch);
  pending = std::async(std::launch::async, [images = images, how = options.augmentation, random,
                                            batch = std::move(batch)]() mutable {
    batch.images =
        how.any() ? augmented_batch(*images, batch.samples, how, random) : batch_of(*images, batch.samples);
    return std::move(batch);
  });
}

}  // namespace sonograd
