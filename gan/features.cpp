#include "gan/features.h"

#include <algorithm>

#include "data/resize.h"
#include "gan/pictures.h"
#include "train/evaluate.h"

namespace sonograd {
namespace {

constexpr Int pixel_side = 32, batch = 16;

ImageSet resized(const ImageSet& pictures, Int height, Int width) {
  ImageSet set{height, width, {}, {}};
  for (Int i = 0; i < pictures.size(); ++i) {
    Image image(pictures.height, pictures.width);
    std::copy(pictures.image(i).begin(), pictures.image(i).end(), image.pixels.begin());
    const Image small = resize_area(image, height, width);
    set.pixels.insert(set.pixels.end(), small.pixels.begin(), small.pixels.end());
  }
  return set;
}

Features pixels_of(const ImageSet& pictures) {
  const ImageSet small =
      resized(pictures, std::min(pixel_side, pictures.height), std::min(pixel_side, pictures.width));
  Features rows;
  for (Int i = 0; i < small.size(); ++i) {
    rows.emplace_back();
    for (const std::uint8_t level : small.image(i)) rows.back().push_back(level / 255.0);
  }
  return rows;
}

// The vectors that the model's layers give, one after another: the last are the logits, those before are
// what the last layer reads.
Tensor before_the_last(const Model& model, const Tensor& images, std::string* layer = nullptr) {
  Tensor last, before;
  std::string last_name, before_name;
  Context context;
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (y.rank() != 2) return;
    before = last;
    before_name = last_name;
    last = y;
    last_name = path;
  };
  const NoGrad quiet;
  model.logits(images, context);
  expect(before.defined(), "{}: no layer before the last gives a vector of features", model.options().name);
  if (layer) *layer = before_name;
  return before;
}

}  // namespace

Features Extractor::operator()(const ImageSet& pictures) const {
  if (!model) return pixels_of(pictures);
  const Int size = model->options().image_size;
  const ImageSet fitting = resized(pictures, size, size);
  const std::vector<Int> all = all_of(fitting.size());
  Features rows;
  for (std::size_t begin = 0; begin < all.size(); begin += batch) {
    const auto part = std::span(all).subspan(begin, std::min<std::size_t>(batch, all.size() - begin));
    const Tensor vectors = before_the_last(*model, images_for(*model, fitting, part));
    const std::vector<double> values = vectors.values();
    for (auto row = values.begin(); row != values.end(); row += vectors.size(1))
      rows.emplace_back(row, row + vectors.size(1));
  }
  return rows;
}

Extractor pixel_extractor() {
  return {fmt::format("pixels, RGB at {} x {} at most", pixel_side, pixel_side)};
}

Extractor model_extractor(const Model& model, const std::string& file) {
  const Int size = model.options().image_size;
  const ImageSet blank{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3)), {}};
  const std::vector<Int> first{0};
  std::string layer;
  before_the_last(model, images_for(model, blank, first), &layer);
  return {fmt::format("{} of {} ({}) at {} x {}", layer, model.options().name, file, size, size), &model};
}

}  // namespace sonograd
