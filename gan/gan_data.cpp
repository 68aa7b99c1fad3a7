#include "gan/gan_data.h"

#include <algorithm>

#include "base/error.h"
#include "base/nearest_name.h"
#include "data/split.h"

namespace sonograd {
namespace {

std::vector<LabelledFile> training_part(const Dataset& data, const std::filesystem::path& split) {
  std::vector<LabelledFile> part;
  for (const Int i : read_split(split, data).train) part.push_back(data.samples[static_cast<std::size_t>(i)]);
  return part;
}

}  // namespace

GanData read_gan_data(const std::filesystem::path& folder, const std::string& class_name, Int image_size,
                      const std::filesystem::path& split, OnBadFile on_bad_file) {
  Dataset data = list_folder(folder);
  const auto found = std::find(data.classes.begin(), data.classes.end(), class_name);
  expect(found != data.classes.end(), "{}: there is no class {}; it has {}{}", folder.string(), class_name,
         fmt::join(data.classes, ", "), did_you_mean(class_name, data.classes));
  const Int label = found - data.classes.begin();
  if (!split.empty()) data.samples = training_part(data, split);
  std::erase_if(data.samples, [&](const LabelledFile& file) { return file.label != label; });
  std::erase_if(data.bad,
                [&](const UnreadableFile& file) { return file.file.rfind(class_name + "/", 0) != 0; });
  data.classes = {class_name};
  for (LabelledFile& file : data.samples) file.label = 0;
  expect(data.size() >= 2, "{}: a GAN learns from two pictures at least, but {} of class {} are there{}",
         folder.string(), data.size(), class_name, split.empty() ? "" : " to train on");
  GanData chosen{class_name, read_images(data, image_size, image_size, on_bad_file), {}};
  chosen.files = std::move(data.samples);
  return chosen;
}

}  // namespace sonograd
