// `sonograd experiment explanations`.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/sha256.h"
#include "models/model_file.h"
#include "models/weights/safetensors.h"
#include "models/zoo.h"
#include "tests/apps/small_run.h"
#include "train/evaluate.h"

using namespace program;
using nlohmann::json;

TEST_CASE(
    "experiment explanations scores heat maps against the phantoms' masks, beside two that know nothing") {
  const TemporaryFolder folder;
  const SmallRun& small = small_run();
  const auto explanations = [&](const Arguments& more) {
    const Outcome outcome = run(with({"experiment", "explanations", "--weights", small.best, "--data",
                                      small.data, "--steps", "4", "--quiet", "--json"},
                                     more));
    check_done(outcome);
    return json::parse(outcome.out);
  };
  const std::string out = (folder / "out").string();
  const json found = explanations({"--out", out});
  CHECK(found.at("images") == 20);  // benign and malignant
  CHECK(found.at("empty_mask") == 10);
  CHECK(found.at("without_mask") == 0);
  CHECK(found.at("model") == "mini");
  CHECK(found.at("layer") == "batch_normalization_1");
  CHECK(found.at("weights") == sonograd::sha256(bytes_of(small.best)));
  REQUIRE(found.at("maps").size() == 3);
  CHECK(found.at("maps")[1].at("map") == "randomised weights");
  CHECK(found.at("maps")[2].at("map") == "centre prior");
  for (const json& map : found.at("maps"))
    for (const char* score : {"pointing", "energy", "iou", "insertion", "deletion"}) {
      const json& interval = map.at(score).at("interval");
      CHECK(interval[0] <= map.at(score).at("mean"));
      CHECK(interval[1] >= map.at(score).at("mean"));
      CHECK(interval[0] >= 0);
      CHECK(interval[1] <= 1);
    }
  CHECK(lines(bytes_of(out + "/explanations.csv")).size() == 1 + 3 * 20);
  CHECK(json::parse(bytes_of(out + "/explanations.json")) == found);
  CHECK(explanations({}) == found);

  SUBCASE("images are left out by a list, and by missing masks") {
    const std::string list = (folder / "list.txt").string();
    write(list, "benign/benign (1).png\nmalignant/malignant (3).png\n");
    CHECK(explanations({"--exclude", list}).at("excluded") == 2);
    CHECK(explanations({"--exclude", list}).at("images") == 18);
    write(list, "benign/none.png\n");
    check_refused(
        run({"experiment", "explanations", "--weights", small.best, "--data", small.data, "--exclude", list}),
        1, {"benign/none.png", "cannot be left out"});
  }
  SUBCASE("masks of a folder of their own; a second lesion joins the first") {
    const auto masks = folder / "masks";
    std::filesystem::create_directories(masks / "benign");
    const std::filesystem::path from = small.data;
    const auto copy = [&](const char* mask, const char* to) {
      std::filesystem::copy_file(from / "benign" / mask, masks / "benign" / to);
    };
    copy("benign (1)_mask.png", "benign (1)_mask.png");
    const double one = explanations({"--masks", masks.string()}).at("lesion_share");
    copy("benign (2)_mask.png", "benign (1)_mask_1.png");
    const json both = explanations({"--masks", masks.string()});
    CHECK(both.at("images") == 1);
    CHECK(both.at("without_mask") == 29);
    CHECK(both.at("lesion_share") > one);
    check_refused(run({"experiment", "explanations", "--weights", small.best, "--data", small.data, "--masks",
                       (folder / "none").string()}),
                  1, {"no image", "has a lesion mask"});
  }
}

namespace {

// The small run's weights with the biases of the layer `dense` lowered until for half of the benign images
// none of its units is active, so that no gradient comes back; lowered further, for all images.
void write_half_dead(const std::filesystem::path& to, bool all) {
  sonograd::Model model = sonograd::make_model({.name = "mini", .image_size = 32});
  model.allocate(sonograd::DType::f32, sonograd::Device::cpu);
  sonograd::load_values(model, small_run().best);
  sonograd::Dataset data = sonograd::list_folder(small_run().data);
  const sonograd::ImageSet images = sonograd::read_images(data, 32, 32);
  std::vector<double> strongest;
  for (sonograd::Int i = 0; i < 10; ++i) {
    sonograd::Context context;
    context.on_output = [&](const std::string& path, sonograd::Tensor& y) {
      if (path != "dense") return;
      const std::vector<double> units = y.values();
      strongest.push_back(*std::max_element(units.begin(), units.end()));
    };
    model.logits(sonograd::images_for(model, images, std::span(&i, 1)), context);
  }
  REQUIRE(strongest.size() == 10);
  std::sort(strongest.begin(), strongest.end());
  const double lower = all ? 1000 : (strongest[4] + strongest[5]) / 2;
  REQUIRE(strongest[4] < strongest[5]);
  sonograd::WeightFile file = sonograd::read_weights(small_run().best);
  for (sonograd::StoredTensor& tensor : file.tensors)
    if (tensor.name == "dense.bias") {
      sonograd::Tensor bias = tensor.read();
      for (sonograd::Int i = 0; i < bias.elements(); ++i)
        bias.mutable_data<float>()[i] -= static_cast<float>(lower);
      tensor = sonograd::stored(tensor.name, bias);
    }
  sonograd::write_safetensors(to, file.tensors, file.facts);
}

}  // namespace

TEST_CASE("experiment explanations counts maps that are zero everywhere, and goes on") {
  const TemporaryFolder folder;
  const std::filesystem::path weights = folder / "half.safetensors";
  write_half_dead(weights, false);
  const Arguments call{"experiment",     "explanations", "--weights", weights.string(), "--data",
                       small_run().data, "--steps",      "4",         "--quiet"};
  const Outcome outcome = run(with(call, {"--json"}));
  check_done(outcome);
  const json found = json::parse(outcome.out);
  const long zero = found.at("maps")[0].at("zero_maps");
  CHECK(zero >= 5);  // of the benign images; some malignant ones may join them
  CHECK(zero <= 15);
  CHECK(found.at("images") == 20);
  CHECK(found.at("maps")[2].at("zero_maps") == 0);
  CHECK(run(call).out.find(std::to_string(zero) + " of 20") != std::string::npos);

  write_half_dead(weights, true);
  check_refused(run(call), 1, {"all 20 images are zero everywhere", "--layer"});
}

TEST_CASE("experiment explanations takes the 85 images of BUSI whose masks fit") {
  const char* set = std::getenv("SONOGRAD_DATA");
  const std::filesystem::path data = set != nullptr ? set : "../shared/data";
  if (!std::filesystem::exists(data / "busi-masks")) {
    MESSAGE("skipped: no " << (data / "busi-masks").string() << "; SONOGRAD_DATA says where the data is");
    return;
  }
  const TemporaryFolder folder;
  std::string cut_outs;
  for (int i = 1; i <= 14; ++i) cut_outs += "benign/benign (" + std::to_string(i) + ").png\n";
  write(folder / "list.txt", cut_outs);
  const Outcome outcome =
      run({"experiment", "explanations", "--weights", small_run().best, "--data", (data / "busi").string(),
           "--masks", (data / "busi-masks").string(), "--exclude", (folder / "list.txt").string(), "--steps",
           "2", "--quiet", "--json", "--out", (folder / "out").string()});
  check_done(outcome);
  const json found = json::parse(outcome.out);
  CHECK(found.at("images") == 85);
  CHECK(found.at("excluded") == 14);
  CHECK(found.at("empty_mask") == 50);
  CHECK(found.at("without_mask") == 780 - 85 - 14 - 50);
  int malignant = 0;
  for (const std::string& line : lines(bytes_of(folder / "out/explanations.csv")))
    malignant += line.rfind("centre prior,malignant/", 0) == 0 ? 1 : 0;
  CHECK(malignant == 50);
}
