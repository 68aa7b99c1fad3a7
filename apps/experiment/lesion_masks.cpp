#include "apps/experiment/lesion_masks.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "data/decode.h"
#include "data/resize.h"

namespace sonograd {
namespace {

constexpr std::uint8_t half_white = 128;

std::vector<std::filesystem::path> masks_of(const std::string& file, const std::filesystem::path& folder) {
  const std::string stem = (folder / file).replace_extension().string();
  std::vector<std::filesystem::path> found;
  std::filesystem::path next = stem + "_mask.png";
  for (int n = 1; std::filesystem::exists(next); ++n) {
    found.push_back(next);
    next = fmt::format("{}_mask_{}.png", stem, n);
  }
  return found;
}

void add(Lesion& lesion, const std::filesystem::path& mask) {
  const Image stretched = resize_area(read_image(mask), lesion.height, lesion.width);
  for (std::size_t i = 0; i < lesion.inside.size(); ++i)
    if (stretched.pixels[3 * i] >= half_white) lesion.inside[i] = true;
}

}  // namespace

LesionImages read_lesions(const Dataset& data, const std::filesystem::path& masks, Int size,
                          const std::vector<std::string>& exclude) {
  std::set<std::string> out(exclude.begin(), exclude.end());
  LesionImages result;
  for (Int i = 0; i < data.size(); ++i) {
    const std::string& file = data.samples[static_cast<std::size_t>(i)].file;
    if (out.erase(file) > 0) {
      ++result.excluded;
      continue;
    }
    const auto files = masks_of(file, masks);
    if (files.empty()) {
      ++result.without_mask;
      continue;
    }
    Lesion lesion{size, size, std::vector<bool>(static_cast<std::size_t>(size * size))};
    for (const auto& mask : files) add(lesion, mask);
    if (lesion.share() == 0)
      ++result.empty;
    else
      result.images.push_back({i, std::move(lesion)});
  }
  expect(out.empty(), "{}: no image of {} has this name, so it cannot be left out",
         out.empty() ? "" : *out.begin(), data.root.string());
  expect(!result.images.empty(),
         "{}: no image of {} has a lesion mask here; the mask of benign/a.png is benign/a_mask.png",
         masks.string(), data.root.string());
  return result;
}

}  // namespace sonograd
