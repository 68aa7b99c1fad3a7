#include "data/duplicates.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "data/phantom.h"
#include "data/png.h"
#include "data/resize.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

using Place = std::function<const std::uint8_t*(const Image&, Int y, Int x)>;

Image remapped(const Image& image, Int height, Int width, const Place& from) {
  Image out(height, width);
  for (Int y = 0; y < height; ++y)
    for (Int x = 0; x < width; ++x) std::copy_n(from(image, y, x), 3, out.row(y) + 3 * x);
  return out;
}

Image cropped(const Image& image, Int top, Int left, Int height, Int width) {
  return remapped(image, height, width,
                  [=](const Image& i, Int y, Int x) { return i.row(top + y) + 3 * (left + x); });
}

Image flipped_picture(const Image& image, bool across, bool along) {
  return remapped(image, image.height, image.width, [=](const Image& i, Int y, Int x) {
    return i.row(along ? i.height - 1 - y : y) + 3 * (across ? i.width - 1 - x : x);
  });
}

// Moved, the border repeated.
Image shifted(const Image& image, Int down, Int right) {
  return remapped(image, image.height, image.width, [=](const Image& i, Int y, Int x) {
    return i.row(std::clamp<Int>(y - down, 0, i.height - 1)) + 3 * std::clamp<Int>(x - right, 0, i.width - 1);
  });
}

Image amplified(Image image, double gain, double offset) {
  for (std::uint8_t& value : image.pixels)
    value = static_cast<std::uint8_t>(std::clamp(gain * value + offset, 0.0, 255.0));
  return image;
}

// Twins among the files, by the names of both.
std::map<std::pair<std::string, std::string>, Twins> found_in(const fs::path& folder) {
  Dataset data = list_folder(folder);
  const Duplicates found = find_duplicates(data);
  std::map<std::pair<std::string, std::string>, Twins> pairs;
  for (const auto* list : {&found.exact, &found.near})
    for (const Twins& twins : *list)
      pairs[{data.samples[twins.first].file, data.samples[twins.second].file}] = twins;
  return pairs;
}

}  // namespace

TEST_CASE("phantoms have no twins") {
  const TemporaryFolder folder;
  write_phantoms(folder.path, 90, 7, 128);
  CHECK(found_in(folder.path).empty());
}

TEST_CASE("what was flipped, cropped, shifted or shown with another gain is found again, and nothing else") {
  const TemporaryFolder folder;
  write_phantoms(folder.path, 60, 3, 128);
  const std::vector<std::pair<std::string, std::function<Image(const Image&)>>> changes{
      {"flipped left-right", [](const Image& i) { return flipped_picture(i, true, false); }},
      {"flipped up-down", [](const Image& i) { return flipped_picture(i, false, true); }},
      {"turned by 180 degrees", [](const Image& i) { return flipped_picture(i, true, true); }},
      {"same place", [](const Image& i) { return amplified(i, 0.6, 30); }},
      {"same place", [](const Image& i) { return amplified(i, 1.3, -20); }},
      {"cropped", [](const Image& i) { return cropped(i, 10, 20, 112, 104); }},
      {"cropped", [](const Image& i) { return resize_area(cropped(i, 24, 3, 100, 110), 128, 128); }},
      {"shifted", [](const Image& i) { return shifted(i, 4, -3); }},
      {"shifted", [](const Image& i) { return shifted(i, -9, 10); }},
      {"flipped left-right, cropped",
       [](const Image& i) {
         return flipped_picture(amplified(cropped(i, 0, 12, 110, 116), 0.8, 10), true, false);
       }},
  };
  std::map<std::pair<std::string, std::string>, std::string> planted;
  for (std::size_t c = 0; c < changes.size(); ++c)
    for (const Int label : {0, 1, 2}) {
      const std::string name = label == 0 ? "benign" : label == 1 ? "normal" : "malignant";
      const Int index = static_cast<Int>(c) + 1;
      const std::string source = fmt::format("{}/{} ({}).png", name, name, index);
      const std::string copy = fmt::format("{}/x{}.png", name, index);
      write_png(folder / copy, changes[c].second(make_phantom(label, index, 3, 128).image));
      planted[{source, copy}] = changes[c].first;
    }
  const auto found = found_in(folder.path);
  for (const auto& plan : planted) {
    const auto& files = plan.first;
    const std::string how = plan.second;
    const auto at = found.find(files);
    CHECK_MESSAGE(at != found.end(), files.second, " ", how);
    if (at == found.end()) continue;
    CHECK_MESSAGE(at->second.kind.rfind(how, 0) == 0, files.second, " ", how, ": ", at->second.kind);
    CHECK(at->second.overlap.correlation > 0.8);
  }
  CHECK(found.size() == planted.size());
}

TEST_CASE("only the pairs that matter are compared") {
  const TemporaryFolder folder;
  write_phantoms(folder.path, 12, 3, 64);
  for (const char* name : {"a", "b"})
    write_png(folder / fmt::format("benign/{}.png", name), make_phantom(0, 1, 3, 64).image);
  write_file_atomically(folder / "benign/0.png", "no picture");  // moves the others' positions
  Dataset data = list_folder(folder.path);
  const auto place = [&](const std::string& file) {
    return std::find_if(data.samples.begin(), data.samples.end(),
                        [&](const LabelledFile& sample) { return sample.file == "benign/" + file; }) -
           data.samples.begin();
  };
  const Int a = place("a.png"), scan = place("benign (1).png");
  const Duplicates found =
      find_duplicates(data, [&](Int first, Int second) { return first == a && second == scan; });
  REQUIRE(found.exact.size() == 1);
  CHECK(data.samples[found.exact[0].first].file == "benign/a.png");
  CHECK(data.samples[found.exact[0].second].file == "benign/benign (1).png");
  CHECK(data.bad.size() == 1);
}

TEST_CASE("BUSI: benign (433) is malignant (145) byte for byte; conflicts and groups are listed") {
  const char* given = std::getenv("SONOGRAD_DATA");
  const fs::path root = fs::path(given ? given : SONOGRAD_SOURCE_DIR "/../shared/data") / "busi";
  if (!fs::exists(root)) {
    MESSAGE("skipped: no ", root.string(), "; set SONOGRAD_DATA to the folder that holds busi");
    return;
  }
  Dataset data = list_folder(root);
  const Duplicates found = find_duplicates(data);
  REQUIRE(found.exact.size() == 1);
  const Twins& exact = found.exact[0];
  CHECK(data.samples[exact.first].file == "benign/benign (433).png");
  CHECK(data.samples[exact.second].file == "malignant/malignant (145).png");
  CHECK(exact.kind == "same bytes");
  CHECK(found.conflicts.size() > 1);
  CHECK(found.near.size() > 150);
  for (const Twins& twins : found.near) {
    CHECK(found.groups[twins.first] == found.groups[twins.second]);
    CHECK(twins.overlap.correlation >= near_correlation);
  }
}
