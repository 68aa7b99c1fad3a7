#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/decode.h"
#include "data/images.h"
#include "data/resize.h"
#include "data/sha256.h"
#include "explain/colour_map.h"

// Against numbers made with OpenCV: scripts/golden_opencv.py

using namespace sonograd;

namespace {

const std::string folder = SONOGRAD_SOURCE_DIR "/tests/golden/data/";

const nlohmann::json& golden() {
  static const nlohmann::json numbers = nlohmann::json::parse(std::ifstream(folder + "opencv.json"));
  return numbers;
}

std::uint8_t noise(Int y, Int x, Int channel) {
  const auto word = [](Int value, std::uint32_t factor) {
    return static_cast<std::uint32_t>(value) * factor;
  };
  return static_cast<std::uint8_t>((word(x, 73856093) ^ word(y, 19349663) ^ word(channel, 83492791)) >> 13);
}

Image noise_image(Int height, Int width) {
  Image image(height, width);
  for (Int y = 0; y < height; ++y)
    for (Int x = 0; x < width; ++x)
      for (Int channel = 0; channel < 3; ++channel) image.row(y)[3 * x + channel] = noise(y, x, channel);
  return image;
}

}  // namespace

TEST_CASE("decoded pixels equal OpenCV's for every kind of file") {
  REQUIRE(golden()["decode"].size() >= 40);
  for (const auto& one : golden()["decode"]) {
    const std::string file = one["file"];
    CAPTURE(file);
    const Image image = read_image(folder + "decode/" + file);
    CHECK(image.height == one["height"]);
    CHECK(image.width == one["width"]);
    CHECK(sha256(image.pixels) == one["sha256"]);
  }
}

TEST_CASE("area resizing equals OpenCV's byte for byte") {
  REQUIRE(golden()["resize_area"].size() >= 20);
  for (const auto& one : golden()["resize_area"]) {
    CAPTURE(one["from"].dump());
    CAPTURE(one["to"].dump());
    const Image result = resize_area(noise_image(one["from"][0], one["from"][1]), one["to"][0], one["to"][1]);
    if (one.contains("pixels")) CHECK(result.pixels == one["pixels"].get<std::vector<std::uint8_t>>());
    CHECK(sha256(result.pixels) == one["sha256"]);
  }
}

TEST_CASE("bilinear resizing of a float plane equals OpenCV's") {
  for (const auto& one : golden()["resize_bilinear"]) {
    const Int height = one["from"][0];
    const Int width = one["from"][1];
    std::vector<float> plane;
    for (Int y = 0; y < height; ++y)
      for (Int x = 0; x < width; ++x) plane.push_back(static_cast<float>(noise(y, x, 0)) / 255.0f);
    const std::vector<float> result = resize_bilinear(plane, height, width, one["to"][0], one["to"][1]);
    const std::vector<double> expected = one["values"];
    REQUIRE(result.size() == expected.size());
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      worst = std::max(worst, std::abs(result[i] - expected[i]));
    CHECK(worst < 3e-7);
  }
}

TEST_CASE("the jet colour map equals OpenCV's") {
  std::vector<std::uint8_t> colours;
  for (int level = 0; level < 256; ++level)
    for (const std::uint8_t channel : jet(static_cast<std::uint8_t>(level))) colours.push_back(channel);
  CHECK(sha256(colours) == golden()["jet_sha256"]);
}

TEST_CASE("all pictures of BUSI, read and resized, equal OpenCV's") {
  const char* given = std::getenv("SONOGRAD_DATA");
  const std::filesystem::path root =
      std::filesystem::path(given != nullptr ? given : SONOGRAD_SOURCE_DIR "/../shared/data") / "busi";
  if (!std::filesystem::exists(root)) {
    MESSAGE("skipped: no ", root.string(), "; set SONOGRAD_DATA to the folder that holds busi");
    return;
  }
  Dataset data = list_folder(root);
  CHECK(data.class_counts() == std::vector<Int>{437, 133, 210});
  const ImageSet images = read_images(data, 224, 224);
  CHECK(sha256(images.pixels) == golden()["busi_224_sha256"]);
}
