// `sonograd experiment`.
#include <doctest/doctest.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "models/model_file.h"
#include "models/weights/safetensors.h"
#include "models/zoo.h"
#include "tests/apps/small_run.h"
#include "train/evaluate.h"

using namespace program;
using nlohmann::json;

namespace {

std::map<std::string, json> claims(const Arguments& more) {
  return answer_by(with({"experiment", "claims", "--json"}, more), "claims", "id");
}

}  // namespace

TEST_CASE("experiment claims does the paper's arithmetic again") {
  const auto found = claims({});
  const auto verdict = [&](const std::string& id) { return found.at(id).at("verdict").get<std::string>(); };
  CHECK(verdict("parameters-aeganb3") == "verified");
  for (const char* holds : {"split", "generated-malignant", "gain-gan", "fig14", "peak-train",
                            "row-aeganb3-gan-finetune", "best-gan"})
    CHECK_MESSAGE(verdict(holds) == "consistent", holds);
  for (const char* does_not : {"gain-gan-augmented", "fewer-parameters", "text-vit_b16", "attention",
                               "fall-vit_b16", "deb", "resize", "one-dense"})
    CHECK_MESSAGE(verdict(does_not) == "contradicted", does_not);
  CHECK(found.at("one-dense").at("evidence").get<std::string>().find("2: dense, dense_1") !=
        std::string::npos);
  CHECK(verdict("images-benign") == "untestable");
  CHECK(found.at("fig14").at("evidence") == "447 right as 161/175, 146/147, 140/147");
  CHECK(found.at("row-aeganb3-augmented-finetune").at("evidence") ==
        "validation 443/468, test 447/469, recall equals accuracy");
  for (const auto& entry : found)
    if (entry.first.rfind("row-", 0) == 0)
      CHECK_MESSAGE(entry.second.at("verdict") == "consistent", entry.first);
}

TEST_CASE("experiment claims counts the images of a folder") {
  const auto found = claims({"--data", small_run().data});
  CHECK(found.at("images-benign").at("verdict") == "contradicted");
}

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

namespace {

// Fresh weights of a model less its head.
void write_base(const std::string& model, const std::filesystem::path& to) {
  const TemporaryFolder folder;
  const std::string whole = (folder / "whole.safetensors").string(),
                    base = (folder / "base.safetensors").string();
  check_done(run({"init", "--model", model, "--image-size", "32", "--out", whole}));
  sonograd::WeightFile file = sonograd::read_weights(whole);
  const auto parameters = sonograd::make_model({.name = model, .image_size = 32}).base_parameters();
  REQUIRE(file.tensors.size() > parameters);
  file.tensors.resize(parameters);
  sonograd::write_safetensors(base, file.tensors, file.facts);
  check_done(run({"weights", "convert", base, to.string(), "--partial"}));
}

Arguments tiny_experiment(const std::string& out, const Arguments& more = {}) {
  return with({"experiment", "table4", "--data", small_run().data, "--out", out, "--profile", "smoke",
               "--models", "aeganb3", "--image-size", "32", "--gan-steps", "2", "--quiet", "--json"},
              more);
}

}  // namespace

TEST_CASE("experiment table4 trains its rows once and puts them beside the paper's") {
  TemporaryFolder folder;
  const std::filesystem::path out = folder / "e";
  const Outcome first = run(without(tiny_experiment(out.string()), "--quiet"));
  check_done(first);
  CHECK(times("looking for near duplicates", first.err) == 1);  // for three rows and the GANs' split
  const json summary = json::parse(first.out);
  REQUIRE(summary.at("rows").size() == 3);
  for (const json& row : summary.at("rows")) {
    CHECK(row.at("phase") == "scratch");
    CHECK(row.at("trained") == "aeganb0");
    CHECK(row.at("by_groups").at(0) <= row.at("by_groups").at(1));
    CHECK(row.at("epochs") == 1);
    CHECK(row.at("seconds") > 0);
    CHECK(row.at("dtype") == "f32");
    CHECK(row.at("images").at("validation") == row.at("validation").at("n"));
    const json manifest =
        json::parse(bytes_of(out / "rows" / row.at("arm").get<std::string>() / "aeganb3" / "manifest.json"));
    CHECK(row.at("split_hash") == manifest.at("split_hash"));
    CHECK(summary.at("ran_on").at(0).at("threads") == manifest.at("threads"));
  }
  const json& of_paper = summary.at("rows").at(2).at("paper_percent");
  CHECK(of_paper.at("test") == 98.01);
  CHECK(of_paper.at("validation") == 97.76);
  CHECK(of_paper.at("phase") == "finetune");
  CHECK(summary.at("settings").at("gan_steps") == 2);
  CHECK(summary.at("ran_on").size() == 1);
  REQUIRE(summary.at("gans").size() == 3);
  CHECK(summary.at("gans").at(0).at("class") == "benign");
  CHECK(summary.at("gans").at(0).at("steps") == 2);
  REQUIRE(summary.at("findings").size() == 3);  // of one model: copies, GAN, GAN over copies
  for (const json& finding : summary.at("findings"))
    CHECK(finding.at("mcnemar").is_object());  // the arms share their test images
  CHECK(lines(bytes_of(out / "tables/findings.csv")).size() == 1 + 3);
  const std::string page = bytes_of(out / "report.html");
  CHECK(times("generated pictures, benign", page) == 1);
  CHECK(times("benign: called ", page) == 2);  // as text and for those who cannot see the picture
  CHECK(page.find("read at layer ") != std::string::npos);
  for (const char* file :
       {"tables/table1.csv", "tables/table4.csv", "tables/table5.csv", "figures/fig02_original.svg",
        "figures/overview.svg", "figures/fig11_confusion_original.svg", "figures/fig17_confusion_gan.svg",
        "figures/fig18_scenarios.svg", "figures/fig08_benign.png", "report.html", "summary.json"})
    CHECK_MESSAGE(std::filesystem::exists(out / file), file);
  CHECK(lines(bytes_of(out / "tables/table4.csv")).size() == 4);
  CHECK_FALSE(std::filesystem::exists(out / "rows/original/aeganb3/checkpoint.safetensors"));

  // A row of an older program, whose manifest does not tell the dtype.
  const std::filesystem::path manifest = out / "rows/original/aeganb3/manifest.json";
  const std::string written = bytes_of(manifest);
  json older = json::parse(written);
  older.at("flags").erase("dtype");
  write(manifest, older.dump());
  const Outcome with_older = run(tiny_experiment(out.string()));
  check_done(with_older);
  CHECK(json::parse(with_older.out).at("rows").at(0).at("dtype").is_null());
  write(manifest, written);

  const auto rows = contents(out / "rows"), gans = contents(out / "gan");
  const Outcome again = run(tiny_experiment(out.string()));
  check_done(again);
  CHECK(again.out == first.out);
  CHECK(contents(out / "rows") == rows);  // their times of day among them
  CHECK(contents(out / "gan") == gans);

  Arguments all = tiny_experiment(out.string());
  all[1] = "all";
  check_done(run(all));
  CHECK(contents(out / "rows") == rows);  // the tables of a folder share them
  const auto of_all = lines(bytes_of(out / "tables/claims.csv"));
  CHECK(of_all.size() == 1 + claims({}).size());
  CHECK(times("\"number\">contradicted<", bytes_of(out / "report.html")) ==
        times(",contradicted,", bytes_of(out / "tables/claims.csv")));

  check_refused(run(tiny_experiment(out.string(), {"--seed", "43"})), 1, {"another seed", "choose another"});
}

TEST_CASE("the smoke profile runs every row of the paper" *
          doctest::skip(std::getenv("SONOGRAD_FULL") == nullptr)) {
  const TemporaryFolder folder;
  const Outcome outcome = run({"experiment", "all", "--data", small_run().data, "--out",
                               (folder / "e").string(), "--profile", "smoke", "--quiet", "--json"});
  check_done(outcome);
  CHECK(json::parse(outcome.out).at("rows").size() == 18);
  for (int table = 1; table <= 4; ++table)
    CHECK(lines(bytes_of(folder / fmt::format("e/tables/table{}.csv", table))).size() ==
          (table == 4 ? 1 + 6 : 1 + 5));
  CHECK(lines(bytes_of(folder / "e/tables/mcnemar.csv")).size() == 1 + 3 * 15);  // of six models each
}

TEST_CASE("experiment goes on with a row that was broken off") {
  TemporaryFolder folder;
  const std::filesystem::path out = folder / "e", row = out / "rows/original/aeganb3";
  const Arguments call = {"experiment", "table1", "--data",   small_run().data, "--out",        out.string(),
                          "--profile",  "smoke",  "--models", "aeganb3",        "--image-size", "32",
                          "--epochs",   "2",      "--quiet",  "--json"};
  const Outcome stopped =
      run(call, {.kill_when = [&] { return checkpoint_step(row) >= 0; }, .signal = SIGINT});
  check_refused(stopped, 128 + SIGINT, {"stopped; call again to go on with " + out.string()});
  CHECK_FALSE(std::filesystem::exists(out / "summary.json"));
  check_done(run(call));
  CHECK(lines(bytes_of(row / "history.csv")).size() == 3);
  CHECK(std::filesystem::exists(out / "summary.json"));
}

TEST_CASE("experiment with pretrained bases trains the head, then everything, from each model's own file") {
  TemporaryFolder folder;
  const std::filesystem::path out = folder / "e", bases = folder / "bases";
  std::filesystem::create_directory(bases);
  // a base under its publisher's name, as Keras has it, and one under ours
  write_base("densenet121", bases / "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5");
  write_base("aeganb0", bases / "aeganb0.safetensors");
  const Arguments call{"experiment",
                       "table1",
                       "--data",
                       small_run().data,
                       "--out",
                       out.string(),
                       "--profile",
                       "smoke",
                       "--models",
                       "densenet169,aeganb3",
                       "--image-size",
                       "32",
                       "--weights-folder",
                       bases.string(),
                       "--quiet",
                       "--json"};
  const Outcome done = run(call);
  check_done(done);
  const json rows = json::parse(done.out).at("rows");
  const std::vector<std::tuple<std::string, std::string, double>> expected{// the paper's Table I
                                                                           {"densenet121", "transfer", 62.82},
                                                                           {"densenet121", "finetune", 73.08},
                                                                           {"aeganb0", "transfer", 84.62},
                                                                           {"aeganb0", "finetune", 88.46}};
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(rows[i].at("trained") == std::get<0>(expected[i]));
    CHECK(rows[i].at("phase") == std::get<1>(expected[i]));
    CHECK(rows[i].at("paper_percent").at("test") == std::get<2>(expected[i]));
    CHECK(rows[i].at("test").at("n") == 3);
  }
  CHECK(lines(bytes_of(out / "tables/table1.csv")).size() == 5);
  CHECK(lines(bytes_of(out / "tables/mcnemar.csv")).size() == 2);  // of the last phases alone

  const json manifest = json::parse(bytes_of(out / "rows/original/aeganb3/manifest.json"));
  CHECK(manifest.at("flags").at("weights") == (bases / "aeganb0.safetensors").string());
  CHECK(manifest.at("flags").at("norm-momentum") == "the layers' own");
  CHECK(json::parse(bytes_of(out / "rows/original/densenet169/manifest.json")).at("flags").at("weights") ==
        (bases / "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5").string());
  // one step of 1e-5 after the head's phase: the base is still the file's
  const auto began = values_of(bases / "aeganb0.safetensors"),
             ended = values_of(out / "rows/original/aeganb3/best.safetensors");
  const auto &stem = began.at("stem_conv.kernel"), &trained = ended.at("stem_conv.kernel");
  double moved = 0;
  for (std::size_t i = 0; i < stem.size(); ++i) moved = std::max(moved, std::abs(stem[i] - trained[i]));
  CHECK(moved > 0);
  CHECK(moved < 1e-4);

  const auto finished = contents(out / "rows");
  const Outcome again = run(call);
  check_done(again);
  CHECK(again.out == done.out);
  CHECK((contents(out / "rows") == finished));
}

TEST_CASE("experiment refuses in one line what it cannot do, and leaves nothing") {
  TemporaryFolder folder;
  const std::string out = (folder / "e").string();
  check_refused(run({"experiment", "table1", "--data", "nowhere", "--out", out}), 1, {"nowhere"});
  check_refused(run(tiny_experiment(out, {"--models", "resnet"})), 2, {"resnet", "densenet169"});
  check_refused(run(tiny_experiment(out, {"--models", "xception"})), 2, {"xception", "table4"});
  check_refused(run(tiny_experiment(out, {"--weights-folder", folder.path.string()})), 1,
                {"no weights of aeganb0"});
  CHECK_FALSE(std::filesystem::exists(out));
  std::filesystem::create_directory(folder / "other");
  write(folder / "other/notes.txt", "mine");
  check_refused(run(tiny_experiment((folder / "other").string())), 1, {"holds no experiment"});

  const Outcome plan =
      run({"experiment", "all", "--data", small_run().data, "--out", out, "--dry-run", "--json"});
  check_done(plan);
  CHECK(json::parse(plan.out).at("rows").size() == 18);
  CHECK_FALSE(std::filesystem::exists(out));

  // The other candidate for the model without attention is trained where it is asked for; bfloat16 and small
  // models take less time.
  const Arguments table4{"experiment", "table4", "--data",    small_run().data,
                         "--out",      out,      "--dry-run", "--json"};
  const auto planned = [&](const Arguments& more) {
    const Outcome outcome = run(with(table4, more));
    check_done(outcome);
    return json::parse(outcome.out);
  };
  const json other = planned({"--models", "aeganb3,efficientnetb3"});
  REQUIRE(other.at("rows").size() == 6);
  CHECK(other.at("rows").at(3).at("model") == "efficientnetb3");
  const double seconds = planned({}).at("estimated_seconds");
  CHECK(planned({"--dtype", "bf16"}).at("estimated_seconds") < seconds);
  CHECK(planned({"--profile", "smoke", "--epochs", "8"}).at("estimated_seconds") < seconds);
  check_refused(
      run({"experiment", "table1", "--data", small_run().data, "--out", out, "--models", "efficientnetb3"}),
      2, {"efficientnetb3", "table1"});
}
