#pragma once
#include <future>
#include <vector>

#include "data/augment.h"

namespace sonograd {

// What one of several processes takes of every batch: neighbouring images, as many as the others take or one
// more.
struct Share {
  Int rank = 0, processes = 1;

  Int begin(Int n) const { return n * rank / processes; }
  Int end(Int n) const { return n * (rank + 1) / processes; }
};

struct Batch {
  Tensor images;             // f32 0 … 255, [n, height, width, 3]
  std::vector<Int> labels;   // class codes
  std::vector<Int> samples;  // positions in the ImageSet
  // Which part of a whole batch it is, as a loader gives it: its first image there, how many images it counts
  // for, and those of the whole. It counts for none where the share is empty: one image then stands in, so
  // that every process takes the same steps.
  Int first = 0, counted = 0, whole = 0;
};

struct LoaderOptions {
  Int batch = 16;
  bool shuffle = true;
  bool wrap = false;  // batches without end over the samples in their order, each full; not with shuffle
  Augmentation augmentation = {};
  std::uint64_t seed = 42;
  Share share = {};
};

// The samples in the order of an epoch: a function of (seed, epoch) and the list alone.
std::vector<Int> epoch_order(std::vector<Int> samples, std::uint64_t seed, Int epoch);

// Hands out the batches of an epoch while a thread makes the next one ready. Any position can be started
// from, so a resumed run sees the batches that the undisturbed one would have seen. The ImageSet must outlive
// the loader.
class Loader {
 public:
  // `samples` are positions in `images`, `labels` one a picture of `images`.
  Loader(const ImageSet& images, std::vector<Int> labels, std::vector<Int> samples,
         LoaderOptions options = {});

  Int batches() const;                      // an epoch's; the last one may be partial (never with wrap)
  void start(Int epoch, Int position = 0);  // next() will give batch `position` of the epoch
  bool done() const { return !pending.valid(); }
  Batch next();  // throws Error once the epoch is done

 private:
  void prefetch();

  const ImageSet* images;
  std::vector<Int> labels;
  std::vector<Int> samples;
  LoaderOptions options;
  std::vector<Int> order;
  Int epoch = 0;
  Int upcoming = 0;  // the batch to make ready next
  std::future<Batch> pending;
};

}  // namespace sonograd
