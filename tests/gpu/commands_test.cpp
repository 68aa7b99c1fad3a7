// Every command that computes but training (app_test.cpp) and experiments, as a program on the gpu beside the
// cpu.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "data/decode.h"
#include "explain/explain.h"
#include "models/model_file.h"
#include "models/weights/safetensors.h"
#include "models/zoo.h"
#include "tests/apps/small_run.h"
#include "tests/gpu/beside_cpu.h"
#include "train/evaluate.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Six phantoms, two a class.
const std::string& few() {
  static const std::string data = [] {
    std::string folder = (small_run().folder / "few").string();
    check_done(run({"data", "phantom", folder, "--count", "6", "--size", "48"}));
    return folder;
  }();
  return data;
}

// The values of a .npy of f32.
std::vector<float> values_of_map(const fs::path& file) {
  const std::string bytes = bytes_of(file);
  const auto size = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes.at(at)));
  };
  const std::size_t begin = 10 + size(8) + 256 * size(9);
  std::vector<float> values((bytes.size() - begin) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + begin, values.size() * sizeof(float));
  return values;
}

// What the cpu's layers give of two images, as scripts/dump_activations.py would write it.
void dump_activations(const std::string& weights, const fs::path& file) {
  sonograd::Model model = sonograd::make_model({.name = "mini", .image_size = 32});
  model.allocate(sonograd::DType::f32, sonograd::Device::cpu);
  sonograd::load_values(model, weights);
  const sonograd::Tensor images = sonograd::Tensor::empty({2, 32, 32, 3});
  sonograd::Tensor drawn = images;
  sonograd::initialise(drawn, {sonograd::Init::Kind::uniform, 255}, sonograd::Random(2, "picture"));
  const auto entry = [](std::string name, const sonograd::Tensor& x) {
    std::replace(name.begin(), name.end(), '.', '_');
    return sonograd::stored(name, x.copy());
  };
  sonograd::StoredTensors dump{entry("input", drawn)};
  sonograd::Context context{.fuse = false};
  context.on_output = [&](const std::string& path, sonograd::Tensor& y) { dump.push_back(entry(path, y)); };
  const sonograd::NoGrad quiet;
  model.logits(drawn, context);
  sonograd::write_safetensors(file, dump, {});
}

Arguments gan_training(const std::string& out, const Arguments& more = {}) {
  return with({"gan",          "train", "--data",  small_run().data, "--class", "benign", "--out",   out,
               "--image-size", "16",    "--width", "0.125",          "--batch", "4",      "--steps", "2",
               "--seed",       "7",     "--quiet", "--json"},
              more);
}

}  // namespace

TEST_CASE("what a trained model answers on the gpu is the cpu's") {
  const SmallRun& small = small_run();
  const TemporaryFolder folder;
  const Arguments weights{"--weights", small.best};
  const json tested = check_beside_cpu({"evaluate", "--run", small.run}, 1e-5);
  CHECK(tested.at("n") == 3);
  CHECK(check_beside_cpu(with({"predict", few()}, weights), 1e-5).at("predictions").size() == 6);
  CHECK(check_beside_cpu(with({"experiment", "explanations", "--data", few(), "--steps", "2"}, weights), 1e-4)
            .at("images") == 4);
  // Attention on the gpu is made of products, which other activations and multiply-adds are counted of.
  CHECK(answer({"summary", "--model", "mini", "--image-size", "32", "--json", "--device", "gpu"})
            .at("params") ==
        answer({"summary", "--model", "mini", "--image-size", "32", "--json"}).at("params"));

  const std::string dump = (folder / "dump.safetensors").string();
  dump_activations(small.best, dump);
  const json compared = answer(
      with({"compare-activations", dump, "--tolerance", "1e-5", "--json", "--device", "gpu"}, weights));
  CHECK(compared.at("layers").size() > 10);
  CHECK(compared.at("first").is_null());
  CHECK(compared.at("ours_alone").empty());
  answer(with({"compare-activations", dump, "--isolate", "--json", "--device", "gpu"}, weights));

  const auto drawn = [&](const char* device) {
    const std::string file = (folder / (std::string(device) + ".safetensors")).string();
    check_done(run({"init", "--model", "mini", "--out", file, "--device", device}));
    return bytes_of(file);
  };
  CHECK(drawn("gpu") == drawn("cpu"));
}

TEST_CASE("each method's heat map on the gpu is the cpu's") {
  const TemporaryFolder folder;
  const std::string image = few() + "/malignant/malignant (1).png";
  int with_heat = 0;
  const auto check = [&](const std::string& name, const Arguments& more) {
    CAPTURE(name);
    const auto map = [&](const char* device) {
      const fs::path out = folder / (name + device);
      const json found = answer(with({"explain", "--weights", small_run().best, "--out", out.string(), image,
                                      "--quiet", "--json", "--device", device},
                                     more));
      return std::pair(found.at("explanations").at(0), values_of_map(out / "malignant (1).npy"));
    };
    const auto ours = map("gpu"), theirs = map("cpu");
    for (const char* fact : {"layer", "size", "class", "probability", "incompleteness"})
      check_near(ours.first.at(fact), theirs.first.at(fact), 1e-4);
    REQUIRE(ours.second.size() == theirs.second.size());
    const float most = *std::max_element(theirs.second.begin(), theirs.second.end());
    // A difference of two probabilities, each of which f32 rounds.
    const float rounding = name == "occlusion" ? 2 * std::numeric_limits<float>::epsilon() : 0;
    with_heat += most > 0 ? 1 : 0;  // a model that saw few steps has methods that find nothing
    for (std::size_t i = 0; i < theirs.second.size(); ++i)
      CHECK(std::abs(ours.second[i] - theirs.second[i]) <= 1e-4 * std::max(most, 1e-30F) + rounding);
  };
  for (const std::string& method : sonograd::explanation_methods()) check(method, {"--method", method});
  check("notebook", {"--variant", "notebook"});
  CHECK(with_heat >= 6);
}

TEST_CASE("a GAN with each option learns on the gpu what it learns on the cpu") {
  const TemporaryFolder folder;
  const std::vector<Arguments> options{{},
                                       {"--tensorflow", "2", "--keras", "3"},
                                       {"--spectral-norm"},
                                       {"--ema", "0.9"},
                                       {"--augment-policy", "color,translation,cutout"}};
  for (const Arguments& more : options) {
    const std::string name = more.empty() ? "plain" : more[0].substr(2);
    CAPTURE(name);
    const auto train = [&](const char* device) {
      fs::path out = folder / (name + " " + device);
      answer(gan_training(out.string(), with(more, {"--device", device})));
      return out;
    };
    const fs::path ours = train("gpu"), theirs = train("cpu");
    check_tables(ours / "history.csv", theirs / "history.csv", 1e-4);
    const auto a = values_of(ours / "generator.safetensors"), b = values_of(theirs / "generator.safetensors");
    CHECK(a.size() == b.size());
  }
}

TEST_CASE(
    "a GAN that was stopped on the gpu goes on to the same bits; its pictures and their audit are the "
    "cpu's") {
  const TemporaryFolder folder;
  const Arguments all{"--device",
                      "gpu",
                      "--steps",
                      "4",
                      "--checkpoint-steps",
                      "1",
                      "--ema",
                      "0.9",
                      "--spectral-norm",
                      "--augment-policy",
                      "cutout"};
  const fs::path whole = folder / "whole", stopped = folder / "stopped";
  check_done(run(gan_training(whole.string(), all)));
  run(gan_training(stopped.string(), all),
      {.kill_when = [&] { return checkpoint_step(stopped) >= 1; }, .signal = SIGTERM});
  check_done(run(gan_training(stopped.string(), with(all, {"--resume"}))));
  for (const char* file : {"generator.safetensors", "discriminator.safetensors"})
    CHECK(bytes_of(stopped / file) == bytes_of(whole / file));

  for (const char* device : {"gpu", "cpu"})
    answer({"gan", "sample", "--run", whole.string(), "--count", "3", "--seed", "7", "--out",
            (folder / device).string(), "--quiet", "--json", "--device", device});
  for (const char* name : {"gen_0.png", "gen_1.png", "gen_2.png"}) {
    const sonograd::Image ours = sonograd::read_image(folder / "gpu" / name),
                          theirs = sonograd::read_image(folder / "cpu" / name);
    REQUIRE(ours.pixels.size() == theirs.pixels.size());
    for (std::size_t i = 0; i < theirs.pixels.size(); ++i)
      CHECK(std::abs(ours.pixels[i] - theirs.pixels[i]) <= 1);  // a value between two levels may go to either
  }
  const Arguments audit{"gan",     "audit",
                        "--run",   whole.string(),
                        "--data",  small_run().data,
                        "--out",   (folder / "audit").string(),
                        "--count", "6"};
  CHECK(check_beside_cpu(audit, 1e-3).at("generated") == 6);
  check_beside_cpu(with(audit, {"--features", small_run().best}), 1e-3);
}

TEST_CASE("ops are checked on the gpu where it is asked for, and only there") {
  const Arguments gradcheck{"gradcheck", "--op", "relu", "conv2d", "batch_norm_train", "--quiet", "--json"};
  const auto on_gpu = [](const json& result) {
    return std::any_of(result.at("checks").begin(), result.at("checks").end(),
                       [](const json& check) { return check.at("check") == "values on gpu"; });
  };
  for (const char* device : {"gpu", "cpu"}) {
    CAPTURE(device);
    const json found = answer(with(gradcheck, {"--device", device}));
    CHECK(found.at("checked").get<int>() > 4);
    for (const json& result : found.at("results")) CHECK(on_gpu(result) == (device == std::string("gpu")));
  }
  check_refused(run({"gradcheck", "--layer", "dense", "--device", "gpu"}), 2, {"--device gpu is for ops"});

  if (!std::getenv("SONOGRAD_FULL")) return;  // ops_test.cpp makes the same checks
  const json audit = answer({"audit", "--quiet", "--json", "--device", "gpu"});
  CHECK(audit.at("devices") == json{"reference", "cpu", "gpu"});
  CHECK(audit.at("failed") == 0);
  for (const json& op : audit.at("ops")) {
    CAPTURE(op.at("name"));
    CHECK(op.at("gpu") == (op.at("cpu") == "view" ? "view" : "yes"));
    CHECK(op.at("gpu_error").is_number() == (op.at("gpu") == "yes"));
  }
}

TEST_CASE("bench tells the gpu's memory from the host's") {
  const auto bench = [](const Arguments& more) {
    return answer(
        with({"bench", "--model", "mini", "--image-size", "32", "--repeat", "1", "--device", "gpu", "--json"},
             more));
  };
  const auto peak = [&](const char* what, const char* batch, const Arguments& more = {}) {
    const json found = bench(with({"--what", what, "--batch", batch}, more));
    CHECK(found.at("peak_mb").get<double>() > 10);  // the program itself
    return found.at("gpu_peak_mb").get<double>();
  };
  const double infer = peak("infer", "1"), train = peak("train", "2"), more = peak("train", "4");
  CHECK(infer > 0.01);
  CHECK(infer < train);
  CHECK(train < more);
  CHECK(more < 2 * train);  // weights, their gradients and moments are the same
  CHECK(more < 20);
  const Outcome text =
      run({"bench", "--model", "mini", "--image-size", "32", "--repeat", "1", "--device", "gpu"});
  CHECK(text.out.find(" MiB of the gpu's memory, ") != std::string::npos);
  const json ops = bench({"--what", "train", "--batch", "2", "--ops"}).at("ops");
  CHECK(ops.at("limit_gflops") > 0);
  CHECK(ops.at("limit_gb_per_s") > 0);
  for (const json& row : ops.at("rows")) CHECK(row.at("ms") > 0);
  const Outcome whole = run({"bench", "--model", "mini", "--image-size", "32", "--what", "train", "--device",
                             "gpu", "--cuda-graph", "--ops"});
  CHECK(whole.status == 2);
  CHECK(whole.err.find("--ops and --roofline time op by op what --cuda-graph launches as a whole") !=
        std::string::npos);
  CHECK(answer({"bench", "--model", "dcgan", "--image-size", "16", "--what", "infer", "--batch", "2",
                "--repeat", "1", "--device", "gpu", "--json"})
            .at("gpu_peak_mb") > 1);
}
