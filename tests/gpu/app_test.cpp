// The program itself on the gpu: training, its loss and a GAN.
#include "tests/gpu/beside_cpu.h"

using namespace program;
using nlohmann::json;

TEST_CASE("steps as a graph log the losses of those without, and what has no graph is refused") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  check_done(run({"data", "phantom", data, "--count", "12", "--size", "48"}));
  const Arguments train{"train", "--data",  data, "--model",      "mini",   "--image-size",
                        "32",    "--batch", "4",  "--cuda-graph", "--quiet"};
  const Arguments steps{"--steps", "5", "--no-shuffle", "--device", "gpu"};
  const auto log = [&](const char* name, const Arguments& call) {
    const auto file = folder / (std::string(name) + ".csv");
    check_done(run(with(call, {"--out", (folder / name).string(), "--log-steps", file.string()})));
    return lines(bytes_of(file));
  };
  const auto graph = log("graph", with(train, steps)),
             eager = log("eager", with(without(train, "--cuda-graph"), steps));
  CHECK(graph.size() == 6);
  CHECK(graph == eager);
  CHECK(bytes_of(folder / "graph" / "last.safetensors") == bytes_of(folder / "eager" / "last.safetensors"));

  const std::string out = (folder / "no").string();
  const auto refused = [&](const Arguments& more, const std::string& why) {
    check_refused(run(with(with(train, {"--out", out}), more)), 2, {"--cuda-graph", why});
    CHECK(!std::filesystem::exists(out));
  };
  refused({}, "is the gpu's");
  refused({"--device", "gpu", "--accumulate", "2"}, "--accumulate");
  refused({"--device", "gpu", "--dtype", "f16"}, "--dtype f16");
  refused({"--device", "gpu", "--clip-norm", "1"}, "--clip-norm");
  const Arguments bench{"bench", "--model",  "mini", "--image-size", "32", "--batch",
                        "2",     "--repeat", "2",    "--cuda-graph"};
  answer(with(bench, {"--device", "gpu", "--what", "train", "--json"}));
  answer(with(bench, {"--device", "gpu", "--what", "cached", "--json"}));
  check_refused(run(with(bench, {"--device", "gpu"})), 2, {"--cuda-graph", "--what train"});
  check_refused(run(with(bench, {"--what", "train"})), 2, {"--cuda-graph", "--device gpu"});
}

TEST_CASE("train, loss and gan train run with --device gpu") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string(), out = (folder / "run").string(),
                    gan = (folder / "gan").string();
  check_done(run({"data", "phantom", data, "--count", "30", "--size", "48"}));
  for (const Arguments& own :
       {Arguments{"--any-order"}, Arguments{"--batch-norm", "cudnn"}, Arguments{"--attention", "cudnn"}})
    check_refused(run(with({"summary", "--model", "mini"}, own)), 2, {own[0], "is the gpu's"});
  const json trained =
      answer({"train",   "--device", "gpu",          "--data",      data,           "--out", out,
              "--model", "mini",     "--image-size", "32",          "--batch",      "8",     "--epochs",
              "1",       "--quiet",  "--json",       "--any-order", "--batch-norm", "cudnn", "--attention",
              "cudnn",   "--dtype",  "bf16",         "--cuda-graph"});
  const json manifest = json::parse(bytes_of(folder / "run" / "manifest.json"));
  const std::string device = manifest.at("device");
  CHECK(device.rfind("gpu: ", 0) == 0);
  CHECK(manifest.at("flags").at("cuda-graph") == "on");
  CHECK(device.find(", sums in any order, batch norms by cuDNN, attention by cuDNN") != std::string::npos);
  const Arguments bench{"bench",  "--device", "gpu",         "--model", "mini",
                        "--what", "train",    "--attention", "cudnn"};
  check_refused(run(bench), 2, {"--attention cudnn", "give --dtype bf16"});
  const Arguments loss{"loss", "--weights", out + "/best.safetensors", "--data", data, "--quiet", "--json"};
  const json there = answer(with(loss, {"--device", "gpu"})), here = answer(with(loss, {"--device", "cpu"}));
  CHECK(there.at("n") == 30);
  CHECK(there.at("loss").get<double>() == doctest::Approx(here.at("loss").get<double>()).epsilon(1e-4));
  CHECK(trained.at("n").get<int>() > 0);
  answer({"gan",     "train", "--device",     "gpu",   "--data",  data,    "--class", "benign",
          "--out",   gan,     "--image-size", "16",    "--width", "0.125", "--batch", "4",
          "--steps", "2",     "--quiet",      "--json"});
}
