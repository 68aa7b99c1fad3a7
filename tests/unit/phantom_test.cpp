#include "data/phantom.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "data/folder.h"
#include "data/png.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "tests/with_threads.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

// Mean grey level over the pixels for which `chosen` holds.
double mean(const Phantom& phantom, const std::function<bool(Int, Int)>& chosen) {
  double sum = 0;
  double count = 0;
  for (Int y = 0; y < phantom.image.height; ++y)
    for (Int x = 0; x < phantom.image.width; ++x)
      if (chosen(y, x)) sum += phantom.image.row(y)[3 * x], ++count;
  return count == 0 ? 0 : sum / count;
}

struct Facts {
  double lesion = 0, around = 0, behind = 0,
         beside = 0;  // mean grey level in, around, below the lesion; beside that
};

Facts facts_of(const Phantom& phantom) {
  const Int size = phantom.image.height;
  const auto in = [&](Int y, Int x) { return phantom.mask[y * size + x] != 0; };
  Int left = size, right = 0, top = size, bottom = 0;
  for (Int y = 0; y < size; ++y)
    for (Int x = 0; x < size; ++x)
      if (in(y, x))
        left = std::min(left, x), right = std::max(right, x), top = std::min(top, y),
        bottom = std::max(bottom, y);
  const Int quarter = (right - left) / 4;
  const auto below = [&](Int y) { return y > bottom + 2 && y < bottom + 14; };
  Facts facts;
  facts.lesion = mean(phantom, in);
  facts.around = mean(
      phantom, [&](Int y, Int x) { return !in(y, x) && y >= top && y <= bottom && (x < left || x > right); });
  facts.behind =
      mean(phantom, [&](Int y, Int x) { return below(y) && x > left + quarter && x < right - quarter; });
  facts.beside = mean(phantom, [&](Int y, Int x) { return below(y) && (x < left - 3 || x > right + 3); });
  return facts;
}

}  // namespace

TEST_CASE(
    "lesions are dark, benign ones brighter behind, malignant ones in their shadow, normal scans without") {
  for (const Int label : {0, 2}) {
    Facts sum;
    for (Int index = 1; index <= 12; ++index) {
      const Phantom phantom = make_phantom(label, index, 3, 96);
      const auto area = std::count(phantom.mask.begin(), phantom.mask.end(), 255);
      CHECK(area > 96 * 96 / 100);
      CHECK(area < 96 * 96 / 4);
      const Facts facts = facts_of(phantom);
      sum.lesion += facts.lesion / 12, sum.around += facts.around / 12;
      sum.behind += facts.behind / 12, sum.beside += facts.beside / 12;
    }
    CHECK(sum.lesion < sum.around - 30);
    if (label == 0) CHECK(sum.behind > sum.beside + 5);
    if (label == 2) CHECK(sum.behind < sum.beside - 20);
  }
  const Phantom normal = make_phantom(1, 1, 3, 96);
  CHECK(std::count(normal.mask.begin(), normal.mask.end(), 0) == 96 * 96);
}

TEST_CASE("a phantom is a function of class, index, seed and size") {
  CHECK(make_phantom(2, 4, 9, 48).image == make_phantom(2, 4, 9, 48).image);
  CHECK_FALSE(make_phantom(2, 4, 9, 48).image == make_phantom(2, 5, 9, 48).image);
  CHECK_FALSE(make_phantom(2, 4, 9, 48).image == make_phantom(2, 4, 10, 48).image);
  CHECK(error_of([] { make_phantom(3, 0, 1, 48); }) == "a phantom's class is 0, 1 or 2, not 3");
  CHECK(error_of([] { make_phantom(0, 0, 1, 8); }) == "a phantom has 16 to 4096 pixels a side, not 8");
}

TEST_CASE("written phantoms are named like the real data and do not depend on the number of threads") {
  const TemporaryFolder root;
  for (const int count : {1, 3}) {
    const WithThreads here(count);
    write_phantoms(root / std::to_string(count), 8, 5, 32);
  }
  const Dataset one = list_folder(root / "1");
  CHECK(one.class_counts() == std::vector<Int>{3, 3, 2});
  CHECK(one.samples[0].file == "benign/benign (1).png");
  CHECK(fs::exists(root / "1/malignant/malignant (2)_mask.png"));
  CHECK(data_hash(one) == data_hash(list_folder(root / "3")));

  write_phantoms(root / "1", 8, 6, 32);  // over the same names
  CHECK(data_hash(one) != data_hash(list_folder(root / "1")));
  CHECK(error_of([&] { write_phantoms(root / "1", 5, 5, 32); }).find("holds other images") !=
        std::string::npos);
  CHECK(error_of([&] { write_phantoms(root / "two", 2, 5, 32); }).find("3 or more") != std::string::npos);
}
