#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder.h"
#include "data/images.h"

namespace sonograd {

// The pictures of one class that a GAN learns from, at its image size.
struct GanData {
  std::string class_name;
  ImageSet images;
  std::vector<LabelledFile> files;  // of images, in their order: what every generated picture descends from
};

// The class's pictures of a data folder; `split`, where given, is a split.json of it whose training images
// alone are taken. Throws Error for a class that is not there, naming those that are, for fewer than two
// pictures and, unless they are to be skipped, for bad files.
GanData read_gan_data(const std::filesystem::path& folder, const std::string& class_name, Int image_size,
                      const std::filesystem::path& split = {}, OnBadFile on_bad_file = OnBadFile::fail);

}  // namespace sonograd
