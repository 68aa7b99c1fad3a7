#include "data/images.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "data/decode.h"
#include "data/resize.h"
#include "data/sha256.h"

namespace sonograd {
namespace {

std::string content_hash(const Image& image) {
  return sha256(fmt::format("{}x{} {}", image.height, image.width, sha256(image.pixels)));
}

void refuse_bad(const Dataset& data) {
  std::string list;
  for (const UnreadableFile& file : data.bad)
    list += fmt::format("{}{} ({})", list.empty() ? "" : "; ", file.file, file.reason);
  expect(data.bad.empty(), "{}: {} of {} files are bad; mend them, or --on-bad-file skip leaves them out: {}",
         data.root.string(), data.bad.size(), data.bad.size() + data.samples.size(), list);
}

}  // namespace

ImageSet read_images(Dataset& data, Int height, Int width, OnBadFile on_bad) {
  const Int bytes = height * width * 3;
  ImageSet set{height, width, std::vector<std::uint8_t>(data.size() * bytes),
               std::vector<std::string>(data.size())};
  std::vector<std::string> reasons(data.size());
  parallel_for(data.size(), 1, [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) {
      try {
        const std::string file = read_file(data.root / data.samples[i].file);
        const Image image = decode_image(bytes_of(file));
        set.content[i] = content_hash(image);
        const Image resized = resize_area(image, height, width);
        std::copy(resized.pixels.begin(), resized.pixels.end(), set.pixels.begin() + i * bytes);
      } catch (const std::exception& error) {
        reasons[i] = error.what();
      }
    }
  });
  Int kept = 0;
  for (Int i = 0; i < data.size(); ++i) {
    if (!reasons[i].empty()) continue;
    if (kept != i) {
      set.content[kept] = std::move(set.content[i]);
      std::copy_n(set.pixels.begin() + i * bytes, bytes, set.pixels.begin() + kept * bytes);
    }
    ++kept;
  }
  set.content.resize(kept);
  set.pixels.resize(kept * bytes);
  move_to_bad(data, reasons);
  if (on_bad == OnBadFile::fail) refuse_bad(data);
  const std::vector<Int> counts = data.class_counts();
  const auto empty = std::find(counts.begin(), counts.end(), 0);
  expect(empty == counts.end(), "{}: no image of class {} can be read", data.root.string(),
         empty == counts.end() ? "" : data.classes[empty - counts.begin()]);
  return set;
}

void append(ImageSet& images, const ImageSet& more) {
  expect(images.turned.empty() && more.turned.empty(), "images: turned pictures stand behind stored ones");
  expect(images.height == more.height && images.width == more.width, "images: {} x {} and {} x {} in one set",
         images.height, images.width, more.height, more.width);
  images.pixels.insert(images.pixels.end(), more.pixels.begin(), more.pixels.end());
  images.content.insert(images.content.end(), more.content.begin(), more.content.end());
}

void write_picture(const ImageSet& images, Int i, float* out) {
  if (i < images.stored()) {
    std::copy_n(images.image(i).begin(), images.height * images.width * 3, out);
    return;
  }
  const TurnedPicture& made = images.turned[i - images.stored()];
  write_turned(images.image(made.source), images.height, images.width, made.turn, out);
}

Image picture(const ImageSet& images, Int i) {
  Image image(images.height, images.width);
  std::vector<float> values(image.pixels.size());
  write_picture(images, i, values.data());
  std::transform(values.begin(), values.end(), image.pixels.begin(),
                 [](float value) { return static_cast<std::uint8_t>(std::lround(value)); });
  return image;
}

Tensor batch_of(const ImageSet& images, std::span<const Int> indices) {
  Tensor batch = Tensor::empty({static_cast<Int>(indices.size()), images.height, images.width, 3});
  float* out = batch.mutable_data<float>();
  for (const Int i : indices) {
    write_picture(images, i, out);
    out += images.height * images.width * 3;
  }
  return batch;
}

}  // namespace sonograd
