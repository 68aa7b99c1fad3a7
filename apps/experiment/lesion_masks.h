#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder.h"
#include "explain/lesion_scores.h"

namespace sonograd {

struct LesionImage {
  Int sample = 0;  // position in the dataset
  Lesion lesion;   // at the network's size
};

struct LesionImages {
  std::vector<LesionImage> images;
  Int without_mask = 0, empty = 0, excluded = 0;  // images that were left out
};

// The images of a dataset that have a lesion mask: of "benign/a.png" these are `masks`/benign/a_mask.png and,
// for further lesions, a_mask_1.png and so on. Their union, stretched to size x size, is the lesion: what is
// half white or more. A mask without a white pixel, as normal images have, leaves its image out, and so does
// `exclude`: a file's path relative to the data folder. Throws Error for an excluded file that is none of the
// dataset's and where no image remains.
LesionImages read_lesions(const Dataset& data, const std::filesystem::path& masks, Int size,
                          const std::vector<std::string>& exclude);

}  // namespace sonograd
