#include "data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"

using namespace sonograd;

namespace {

// Pictures of 2x2 whose bytes all are their position.
ImageSet pictures(Int n) {
  ImageSet set{2, 2, {}, {}};
  for (Int i = 0; i < n; ++i) set.pixels.insert(set.pixels.end(), 12, static_cast<std::uint8_t>(i));
  return set;
}

std::vector<Int> labels(Int n) {
  std::vector<Int> result;
  for (Int i = 0; i < n; ++i) result.push_back(i % 3);
  return result;
}

std::vector<Int> numbers(Int n) {
  std::vector<Int> result;
  for (Int i = 0; i < n; ++i) result.push_back(i);
  return result;
}

std::vector<Batch> epoch(Loader& loader, Int number, Int position = 0) {
  std::vector<Batch> batches;
  for (loader.start(number, position); !loader.done();) batches.push_back(loader.next());
  return batches;
}

std::vector<Int> samples(const std::vector<Batch>& batches) {
  std::vector<Int> result;
  for (const Batch& batch : batches) result.insert(result.end(), batch.samples.begin(), batch.samples.end());
  return result;
}

}  // namespace

TEST_CASE("an epoch gives every sample once, with its picture and label, the last batch partial") {
  const ImageSet images = pictures(40);
  std::vector<Int> chosen;
  for (Int i = 3; i < 40; ++i) chosen.push_back(i);
  Loader loader(images, labels(40), chosen, {.batch = 8, .seed = 5});
  CHECK(loader.batches() == 5);
  const std::vector<Batch> batches = epoch(loader, 0);
  REQUIRE(batches.size() == 5);
  CHECK(batches[4].images.shape() == Shape{5, 2, 2, 3});
  for (const Batch& batch : batches)
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      CHECK(batch.labels[i] == batch.samples[i] % 3);
      for (Int p = 0; p < 12; ++p)
        CHECK(batch.images.data<float>()[12 * i + p] == static_cast<float>(batch.samples[i]));
    }
  std::vector<Int> all = samples(batches);
  CHECK(all != chosen);
  std::sort(all.begin(), all.end());
  CHECK(all == chosen);
  CHECK_THROWS_WITH_AS(loader.next(), "loader: the epoch is over; start the next one", Error);
}

TEST_CASE("the order is a function of seed and epoch, and any position resumes it") {
  const ImageSet images = pictures(30);
  Loader loader(images, labels(30), numbers(30), {.batch = 4, .seed = 5});
  Loader again(images, labels(30), numbers(30), {.batch = 4, .seed = 5});
  Loader other(images, labels(30), numbers(30), {.batch = 4, .seed = 6});
  epoch(again, 7);
  std::set<std::vector<Int>> orders;
  for (Int number = 0; number < 5; ++number) {
    const std::vector<Int> order = samples(epoch(loader, number));
    CHECK(order == samples(epoch(again, number)));
    CHECK(order != samples(epoch(other, number)));
    orders.insert(order);
    const std::vector<Int> rest = samples(epoch(again, number, 3));
    CHECK(std::equal(rest.begin(), rest.end(), order.begin() + 12, order.end()));
  }
  CHECK(orders.size() == 5);
  loader.start(0);  // a prefetched batch is given up
  loader.next();
  CHECK(samples(epoch(loader, 1)) == samples(epoch(again, 1)));
}

TEST_CASE("jitter mirrors and moves the pictures of an epoch, by seed, epoch and picture alone") {
  ImageSet images{16, 16, {}, {}};  // red: column, green: row, blue: picture
  for (std::uint8_t i = 0; i < 40; ++i)
    for (std::uint8_t y = 0; y < 16; ++y)
      for (std::uint8_t x = 0; x < 16; ++x) images.pixels.insert(images.pixels.end(), {x, y, i});
  Loader loader(images, labels(40), numbers(40), {.batch = 40, .augmentation = {.jitter = true}, .seed = 5});
  Loader again(images, labels(40), numbers(40), {.batch = 7, .augmentation = {.jitter = true}, .seed = 5});
  const Batch batch = epoch(loader, 3)[0];
  const Batch resumed = epoch(again, 3, 2)[0];
  CHECK(std::equal(resumed.images.data<float>(), resumed.images.data<float>() + 7 * 768,
                   batch.images.data<float>() + 14 * 768));
  CHECK_FALSE(batch.images.values() == epoch(loader, 4)[0].images.values());
  std::set<std::pair<int, int>> moves;
  int mirrored = 0;
  for (Int i = 0; i < 40; ++i) {
    const float* picture = batch.images.data<float>() + i * 768;
    const auto at = [&](Int y, Int x, Int c) { return static_cast<int>(picture[(y * 16 + x) * 3 + c]); };
    CHECK(at(9, 9, 2) == batch.samples[i]);
    const int slope = at(8, 9, 0) - at(8, 8, 0);
    const int across = slope > 0 ? at(8, 8, 0) - 8 : 7 - at(8, 8, 0);
    const int down = at(8, 8, 1) - 8;
    CHECK(std::abs(slope) == 1);
    CHECK(std::abs(across) <= 2);
    CHECK(std::abs(down) <= 2);
    CHECK(at(0, 8, 1) == std::max(0, down));  // the edge is repeated
    moves.insert({across, down});
    mirrored += slope < 0 ? 1 : 0;
  }
  CHECK(moves.size() > 10);
  CHECK(mirrored > 8);
  CHECK(mirrored < 32);
}

TEST_CASE("Keras' RandomFlip throws two coins a picture by Keras 2's rule, one for both by Keras 3's") {
  ImageSet images{2, 2, {}, {}};  // 0 1 / 2 3
  for (int i = 0; i < 400; ++i)
    for (std::uint8_t corner = 0; corner < 4; ++corner) images.pixels.insert(images.pixels.end(), 3, corner);
  for (const Keras keras : {Keras::v2, Keras::v3}) {
    std::array<int, 4> seen{};  // by what the first corner shows: nothing, left-right, up-down, both
    std::array<float, 12> out{};
    for (Int i = 0; i < 400; ++i) {
      write_augmented(images, i, {.flip = true, .keras = keras}, Random(9, "augmentation"), out.data());
      const int corner = static_cast<int>(out[0]);
      ++seen[corner];
      CHECK(out[9] == 3 - corner);
      CHECK(out[3] == (corner ^ 1));
    }
    for (const int corner : {0, 3}) CHECK(std::abs(seen[corner] - (keras == Keras::v2 ? 100 : 200)) < 40);
    for (const int corner : {1, 2})
      CHECK(std::abs(seen[corner] - (keras == Keras::v2 ? 100 : 0)) < (keras == Keras::v2 ? 40 : 1));
  }
}

TEST_CASE("the shares of a batch are its images in order, and one stands in where a share is empty") {
  const ImageSet images = pictures(7);
  Loader whole(images, labels(7), numbers(7), {.batch = 5, .seed = 4});
  const std::vector<Batch> batches = epoch(whole, 1);
  std::vector<std::vector<Int>> parts(2);
  for (Int rank = 0; rank < 4; ++rank) {
    Loader loader(images, labels(7), numbers(7), {.batch = 5, .seed = 4, .share = {rank, 4}});
    const std::vector<Batch> shares = epoch(loader, 1);
    REQUIRE(shares.size() == 2);
    for (std::size_t b = 0; b < 2; ++b) {
      const Batch& share = shares[b];
      CHECK(share.whole == batches[b].whole);
      CHECK(share.first == static_cast<Int>(parts[b].size()));
      CHECK(share.images.size(0) == std::max<Int>(share.counted, 1));
      CHECK(std::abs(4 * share.counted - share.whole) < 4);
      if (share.counted > 0) parts[b].insert(parts[b].end(), share.samples.begin(), share.samples.end());
    }
  }
  for (std::size_t b = 0; b < 2; ++b) CHECK(parts[b] == batches[b].samples);
}

TEST_CASE("without shuffling batches keep the order, and wrap round on request") {
  const ImageSet images = pictures(5);
  Loader plain(images, labels(5), numbers(5), {.batch = 3, .shuffle = false});
  CHECK(samples(epoch(plain, 2)) == numbers(5));
  Loader wrapping(images, labels(5), numbers(5), {.batch = 3, .shuffle = false, .wrap = true});
  wrapping.start(0, 1);
  CHECK(wrapping.next().samples == std::vector<Int>{3, 4, 0});
  CHECK(wrapping.next().samples == std::vector<Int>{1, 2, 3});
  CHECK_FALSE(wrapping.done());
  CHECK_THROWS_AS(Loader(images, labels(5), numbers(5), {.wrap = true}), Error);
  CHECK_THROWS_AS(Loader(images, labels(4), numbers(4), {}), Error);
  CHECK_THROWS_AS(Loader(images, labels(5), {}, {}), Error);
}
