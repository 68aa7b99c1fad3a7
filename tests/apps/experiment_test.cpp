// `sonograd experiment`.
#include <doctest/doctest.h>

#include <cmath>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>

#include "models/model_file.h"
#include "models/weights/safetensors.h"
#include "models/zoo.h"
#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;

namespace {

// Eighteen models take minutes under a sanitizer; one row walks the same paths in the tests beside it.
#if defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

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
  CHECK(page.find("read at layer block") != std::string::npos);
  for (const char* printed : {"training up to 98.08 %", "69 of 78 right", "394 of 402 right"})
    CHECK_MESSAGE(times(printed, page) == 1, printed);
  for (const char* file :
       {"tables/table1.csv", "tables/table4.csv", "tables/table5.csv", "figures/fig02_original.svg",
        "figures/overview.svg", "figures/fig11_confusion_original.svg", "figures/fig17_confusion_gan.svg",
        "figures/fig18_scenarios.svg", "figures/fig08_benign.png", "report.html", "summary.json"})
    CHECK_MESSAGE(std::filesystem::exists(out / file), file);
  CHECK(lines(bytes_of(out / "tables/table4.csv")).size() == 4);
  CHECK_FALSE(std::filesystem::exists(out / "rows/original/aeganb3/checkpoint.safetensors"));

  auto rows = contents(out / "rows"), gans = contents(out / "gan");
  const Outcome again = run(tiny_experiment(out.string()));
  check_done(again);
  CHECK(again.out == first.out);
  CHECK(contents(out / "rows") == rows);  // their times of day among them
  CHECK(contents(out / "gan") == gans);

  // A row of an older program, whose manifest does not tell the dtype.
  const std::filesystem::path manifest = out / "rows/original/aeganb3/manifest.json";
  json older = json::parse(bytes_of(manifest));
  older.at("flags").erase("dtype");
  write(manifest, older.dump());
  rows = contents(out / "rows");
  Arguments all = tiny_experiment(out.string());
  all[1] = "all";
  const Outcome with_older = run(all);
  check_done(with_older);
  const json rows_with_older = json::parse(with_older.out).at("rows");
  for (const json& row : rows_with_older) CHECK(row.at("dtype").is_null() == (row.at("arm") == "original"));
  CHECK(contents(out / "rows") == rows);  // the tables of a folder share them
  const auto of_all = lines(bytes_of(out / "tables/claims.csv"));
  CHECK(of_all.size() == 1 + claims({}).size());
  CHECK(times("\"number\">contradicted<", bytes_of(out / "report.html")) ==
        times(",contradicted,", bytes_of(out / "tables/claims.csv")));

  check_refused(run(tiny_experiment(out.string(), {"--seed", "43"})), 1, {"another seed", "choose another"});
}

TEST_CASE("the smoke profile runs every row of the paper" * doctest::skip(sanitized)) {
  const TemporaryFolder folder;
  const Outcome outcome =
      run({"experiment", "all", "--data", small_run().data, "--out", (folder / "e").string(), "--profile",
           "smoke", "--image-size", "96", "--gan-steps", "2", "--quiet", "--json"});
  check_done(outcome);
  CHECK(json::parse(outcome.out).at("rows").size() == 18);
  for (int table = 1; table <= 4; ++table)
    CHECK(lines(bytes_of(folder / fmt::format("e/tables/table{}.csv", table))).size() ==
          (table == 4 ? 1 + 6 : 1 + 5));
  CHECK(lines(bytes_of(folder / "e/tables/mcnemar.csv")).size() == 1 + 3 * 15);  // of six models each
}

TEST_CASE("what an experiment is told reaches its rows and its GANs") {
  const TemporaryFolder folder;
  const std::filesystem::path data = folder / "data", out = folder / "e";
  std::filesystem::copy(small_run().data, data, std::filesystem::copy_options::recursive);
  write(data / "benign/broken.png", "no image");
  std::string order;
  for (const char* name : {"normal", "malignant", "benign"})
    for (int i = 10; i >= 1; --i) order += fmt::format("{0}/{0} ({1}).png\n", name, i);
  order += "benign/broken.png\n";
  write(folder / "order.txt", order);
  const Arguments call{"experiment",   "table3",      "--data",       data.string(),
                       "--out",        out.string(),  "--profile",    "smoke",
                       "--models",     "densenet169", "--image-size", "32",
                       "--gan-steps",  "2",           "--pooling",    "max",
                       "--tensorflow", "2",           "--order",      (folder / "order.txt").string(),
                       "--quiet",      "--json"};
  check_refused(run(call), 1, {"benign/broken.png"});
  std::filesystem::remove_all(out);
  const Outcome done = run(with(call, {"--on-bad-file", "skip"}));
  check_done(done);
  const json row = json::parse(bytes_of(out / "rows/gan/densenet169/manifest.json")).at("flags"),
             gan = json::parse(bytes_of(out / "gan/benign/manifest.json")).at("flags");
  CHECK(row.at("pooling") == "max");
  CHECK(row.at("on-bad-file") == "skip");
  CHECK(gan.at("tensorflow") == "2");
  // the GANs' split and the rows' are the same, in the order given
  const json ours = json::parse(bytes_of(out / "gan/split.json")),
             rows = json::parse(bytes_of(out / "rows/gan/densenet169/split.json"));
  CHECK(ours.at("test") == rows.at("test"));
  const std::string plain = (folder / "plain.json").string();
  check_done(run({"data", "split", data.string(), "--out", plain, "--on-bad-file", "skip", "--quiet"}));
  CHECK(ours.at("test") != json::parse(bytes_of(plain)).at("test"));
  check_done(run({"gan", "audit", "--run", (out / "gan/benign").string(), "--data", data.string(),
                  "--on-bad-file", "skip"}));
  check_refused(run(with(call, {"--on-bad-file", "skip", "--dtype", "bf16"})), 1, {"another dtype"});
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
                       "--transfer",
                       "exact",
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
  CHECK(manifest.at("flags").at("transfer") == "exact");
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
