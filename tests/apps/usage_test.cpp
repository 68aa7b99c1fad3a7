#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tensor/gpu/gpu.h"
#include "tests/apps/small_run.h"

using namespace program;

namespace {

const Arguments summary{"summary", "--model", "mini", "--image-size", "32"};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("help and version go to stdout") {
  const Outcome help = run({"--help"});
  check_done(help);
  for (const char* command :
       {"demo", "summary", "init", "predict", "loss", "train", "evaluate", "explain", "compare",
        "compare-activations", "data", "bench", "gradcheck", "audit", "weights", "zoo"}) {
    CAPTURE(command);
    CHECK(holds(help.out, std::string("\n  ") + command + " "));
  }
  CHECK(help.err.empty());

  for (const Arguments& command : {Arguments{"train"}, Arguments{"predict"}, Arguments{"data", "split"}}) {
    const Outcome of_command = run(with(command, {"--help"}));
    check_done(of_command);
    CHECK(holds(of_command.out, "Examples:\n  sonograd " + command[0]));
    CHECK(holds(of_command.out, "--seed"));
  }

  const Outcome version = run({"--version"});
  check_done(version);
  CHECK(version.out.rfind("sonograd ", 0) == 0);
  CHECK(lines(version.out).size() == 1);
}

TEST_CASE("bad usage ends with status 2 and one line") {
  check_refused(run({"gan", "train"}), 2, {"is required; `sonograd gan train --help` shows what there is"});
  check_refused(run({}), 2, {"--help"});
  check_refused(run({"--bogus"}), 2, {"--bogus"});
  check_refused(run({"bogus"}), 2, {"bogus"});
  check_refused(run(with(summary, {"--bogus"})), 2, {"--bogus"});
  check_refused(run(with(summary, {"--device", "quantum"})), 2, {"--device", "quantum"});
  check_refused(run(with(summary, {"--threads", "-1"})), 2, {"--threads"});
  check_refused(run(with(summary, {"--tf32"})), 2, {"--tf32 is the gpu's"});
  check_refused(run(with(summary, {"--attention", "cudnn"})), 2, {"--attention cudnn is the gpu's"});
  check_refused(run(with(summary, {"--attention", "cudnn", "--device", "auto"})), 2,
                {"--attention cudnn", "16 bits; leave it out"});
  check_refused(run(with(summary, {"--seed", "many"})), 2, {"--seed"});
  check_refused(run({"summary", "--model", "resnet"}), 2, {"resnet", "aeganb3", "mini"});
  check_refused(run({"summary"}), 2, {"--model"});
  check_refused(run({"data"}), 2, {"subcommand"});
}

TEST_CASE("a word that nothing takes is named first, with what it may stand for") {
  check_refused(run({"train", "--bogus"}), 2, {"`sonograd train` takes no --bogus; `sonograd train --help`"});
  check_refused(run({"train", "--out", "o", "--dat", "d"}), 2, {"takes no --dat; did you mean --data?"});
  check_refused(run({"predict", "--weight=w", "a.png"}), 2, {"takes no --weight=w; did you mean --weights?"});
  check_refused(run({"data", "splitt", "d"}), 2, {"`sonograd data` takes no splitt; did you mean split?"});
  check_refused(run({"gan", "train", "--clas", "a"}), 2,
                {"`sonograd gan train` takes no --clas; did you mean"});
  check_refused(run({"trainn", "--data", "d"}), 2, {"`sonograd` takes no trainn; did you mean train?"});
  check_refused(run({"trian"}), 2, {"takes no trian; did you mean train?"});
  check_refused(run({"predict", "--", "a.png"}), 2, {"--weights is required"});
}

TEST_CASE("flags of train that contradict each other are bad usage, and nothing is made") {
  const TemporaryFolder folder;
  const std::string out = (folder / "run").string();
  const Arguments train{"train", "--data", (folder / "").string(), "--out", out, "--model", "mini"};
  check_refused(run(with(train, {"--phases", "transfer"})), 2, {"transfer", "--weights", "--random-base"});
  check_refused(run(with(train, {"--phases", "finetune"})), 2, {"finetune", "--weights", "--random-base"});
  check_refused(run(with(train, {"--fresh-head"})), 2, {"--fresh-head", "--weights"});
  check_refused(run(with(train, {"--phases", "warmup"})), 2, {"warmup", "scratch"});
  check_refused(run(with(train, {"--phases", "scratch,scratch"})), 2, {"--phases names scratch twice"});
  check_refused(run(with(train, {"--optimizer", "sgd", "--momentum", "1"})), 2, {"--momentum 1", "[0, 1)"});
  check_refused(run(with(train, {"--lr", "0.1,0.1"})), 2, {"--lr", "2", "1"});
  check_refused(run(with(train, {"--no-shuffle"})), 2, {"--steps"});
  check_refused(run(with(train, {"--steps", "2"})), 2, {"--no-shuffle"});
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("numbers out of range are refused in one short line") {
  const auto refused = [](const Arguments& arguments, const std::string& line) {
    const Outcome outcome = run(arguments);
    check_refused(outcome, 2, {line});
    CHECK(outcome.err.size() < 200);
  };
  const Arguments train{"train", "--data", "d", "--out", "o"}, predict{"predict", "--weights", "w", "p"};
  refused(with(train, {"--batch", "0"}), "--batch: must be more than 0, got 0");
  refused(with(predict, {"--batch", "-3"}), "--batch: must be more than 0, got -3");
  refused(with(train, {"--epochs", "none"}), "--epochs: must be a number, got none");
  refused(with(train, {"--clip-norm", "nan"}), "--clip-norm: must be a number, got nan");
  refused(with(train, {"--lr", "1,-1"}), "--lr: must be 0 or more, got -1");
  refused(with(train, {"--norm-momentum", "2"}), "--norm-momentum: must be from 0 to 1, got 2");
  refused(with(summary, {"--threads", "-1"}), "--threads: must be from 0 to ");
  refused(with(summary, {"--threads", "9999"}), ", got 9999");
  refused(with(train, {"--epochs", "99999999999999999999"}),
          "--epochs: must be at most 1e9, got 99999999999999999999");
  refused({"init", "--model", "mini", "--out", "x.npz", "--classes", "a\xff,b"},
          "class name \"a\\ufffd\": must be UTF-8 without control characters");
  refused({"bench", "--repeat", "0"}, "--repeat: must be more than 0, got 0");
}

TEST_CASE("the nearest name is offered for a model that is not known") {
  check_refused(run({"zoo", "AEGANB3"}), 2,
                {"no model is called AEGANB3; known are", "; did you mean aeganb3?"});
  check_refused(run({"summary", "--model", "densenet168"}), 2, {"did you mean densenet169?"});
  CHECK_FALSE(holds(run({"zoo", "resnet"}).err, "did you mean"));
}

TEST_CASE("--help leaves out shared flags that do nothing, which are taken all the same") {
  CHECK_FALSE(holds(run({"zoo", "--help"}).out, "--seed"));
  CHECK_FALSE(holds(run({"weights", "list", "--help"}).out, "--device"));
  CHECK_FALSE(holds(run({"init", "--help"}).out, "--weights"));
  CHECK_FALSE(holds(run({"data", "audit", "--help"}).out, "--keras"));
  CHECK_FALSE(holds(run({"data", "phantom", "--help"}).out, "--device"));
  CHECK(holds(run({"data", "phantom", "--help"}).out, "--seed"));
  CHECK_FALSE(holds(run({"experiment", "claims", "--help"}).out, "--threads"));
  check_done(run({"zoo", "--seed", "1", "--threads", "2", "--quiet"}));
}

TEST_CASE("why there is no gpu is said where one is asked for; auto goes on, and the manifest says so") {
  const Limits hidden{
      .launcher = {"/usr/bin/env", "CUDA_VISIBLE_DEVICES="}};  // from a build that could use it
  const std::string& here = sonograd::gpu::why_not();
  const std::string why = here.empty() ? "the NVIDIA driver sees no gpu" : here;
  check_refused(run(with(summary, {"--device", "gpu"}), hidden), 1,
                {"--device gpu: " + why + "; use --device cpu"});
  const Outcome automatic = run(with(summary, {"--device", "auto", "--json"}), hidden);
  check_done(automatic);
  CHECK(automatic.err == "sonograd: " + why + ", going on with the cpu\n");
  CHECK(nlohmann::json::accept(automatic.out));

  const SmallRun& small = small_run();
  const TemporaryFolder folder;
  const std::string out = (folder / "run").string();
  check_done(run(small.small_training(out, {"--epochs", "1", "--device", "auto", "--quiet"}), hidden));
  CHECK(nlohmann::json::parse(bytes_of(folder / "run" / "manifest.json"))["device"] == "cpu, as " + why);
}

TEST_CASE("several processes without MPI in the build are refused in one line, by the first of them" *
          doctest::skip(SONOGRAD_HAS_MPI != 0)) {  // the sanitizers' builds have none
  const auto as_process = [](const std::string& rank) {
    return run({"zoo"}, {.launcher = {"/usr/bin/env", "OMPI_COMM_WORLD_RANK=" + rank}});
  };
  check_refused(as_process("0"), 1, {"knows no MPI", "./run setup --mpi"});
  const Outcome other = as_process("1");
  CHECK(other.status == 0);
  CHECK((other.out + other.err).empty());
}

TEST_CASE("--json prints one object and nothing else") {
  const Outcome outcome = run(with(summary, {"--json"}));
  check_done(outcome);
  CHECK(outcome.err.empty());
  const auto json = nlohmann::json::parse(outcome.out, nullptr, false);
  REQUIRE(json.is_object());
  for (const char* key : {"params", "trainable", "trainable_transfer", "trainable_finetune", "macs",
                          "activation_bytes", "layers"})
    CHECK(json.contains(key));
  long parameters = 0, macs = 0, bytes = 0;
  for (const auto& layer : json["layers"]) {
    for (const char* key : {"name", "op", "output", "params", "macs", "activation_bytes"})
      CHECK(layer.contains(key));
    parameters += layer["params"].get<long>();
    macs += layer["macs"].get<long>();
    bytes += layer["activation_bytes"].get<long>();
  }
  CHECK(parameters == json["params"]);
  CHECK(macs == json["macs"]);
  CHECK(bytes == json["activation_bytes"]);
}

TEST_CASE("--config holds flags, as JSON or as lines; the command line wins") {
  const TemporaryFolder folder;
  const std::string json = (folder / "flags.json").string(), text = (folder / "flags.txt").string();
  write(json, R"({"model": "mini", "image-size": 32, "json": true})");
  write(text, "# a small model\nmodel = mini\nimage-size = 32\njson = true\n");
  const Outcome plain = run(with(summary, {"--json"}));
  check_done(plain);
  for (const std::string& config : {json, text}) {
    CHECK(run({"summary", "--config", config}).out == plain.out);
    const Outcome larger = run({"summary", "--config", config, "--image-size", "64"});
    check_done(larger);
    CHECK(larger.out == run(with(summary, {"--image-size", "64", "--json"})).out);
    CHECK(larger.out != plain.out);
  }
}

TEST_CASE("a # in a value of --config is part of it; behind a blank it begins a comment") {
  const TemporaryFolder folder;
  const std::string config = (folder / "flags").string();
  write(config, "weights = \"my #1.safetensors\"\n");
  check_refused(run({"loss", "--data", "scans", "--config", config}), 1, {"my #1.safetensors"});
  write(config, "data = scans/#3   # of the third clinic\n");
  check_refused(run({"train", "--config", config, "--out", (folder / "run").string()}), 1, {"scans/#3:"});
}

TEST_CASE("a list on the command line replaces that of --config") {
  const TemporaryFolder folder;
  const std::string config = (folder / "flags").string();
  write(config, "lr = 0.1,0.2\nphases = scratch,finetune\n");
  const Arguments train{"train",
                        "--config",
                        config,
                        "--data",
                        (folder / "").string(),
                        "--model",
                        "mini",
                        "--out",
                        (folder / "run").string()};
  check_refused(run(with(train, {"--lr", "0.3"})), 2, {"--lr has 1 rates for 2 phases"});
  check_refused(run(with(train, {"--phases=scratch"})), 2, {"--lr has 2 rates for 1 phases"});
}

TEST_CASE("--config with a mistake is bad usage that names the file") {
  const TemporaryFolder folder;
  const std::string file = (folder / "flags").string();
  const auto refused = [&](const std::string& bytes, const Arguments& words) {
    write(file, bytes);
    check_refused(run({"summary", "--config", file}), 2, words);
  };
  refused(R"({"model": "mini", "colour": "blue"})", {file, "--colour"});
  refused("model = mini\ncolour = blue\n", {file, "--colour"});
  refused("model = mini\nnonsense\n", {file, "line 2"});
  refused(R"({"model": )", {file, "no JSON from byte 11 on"});
  refused(R"({"model": "mini", "model": "aeganb0"})", {file, "model is there for the second time"});
  refused(R"({"model": {"name": "mini"}})", {file, R"(model = {"name":"mini"})", "a text, a number"});
  refused(R"({"model": "mini", "image-size": null})", {file, "image-size = null"});
  refused(R"({"image-sise": 32})", {file, "no flag --image-sise; did you mean --image-size?"});
  refused(R"({"image-size": 1.5})", {"--image-size = 1.5 in --config " + file});
  refused("model = mini\nimage-size = large\n",
          {"--image-size: must be a number, got large in --config " + file});
  refused("model = mini\njson = yes\n", {file, "json = yes", "true or false"});
  write(file, "batch = 4\n");  // the mistake is the command line's
  const Outcome typed = run({"predict", "--config", file, "--weights", "w", "a.png", "--batch-norm", "x"});
  check_refused(typed, 2, {"--batch-norm"});
  CHECK_FALSE(holds(typed.err, "in --config"));
  refused("model = mini\nconfig = other\n", {file, "another file of flags"});
  refused("model = mini\nmodel = aeganb0\n", {file, "line 2", "model is there for the second time"});
  check_refused(run({"summary", "--config", file, "--config=" + file}), 2, {"--config is given twice"});
  check_refused(run({"summary", "--config"}), 2, {"--config"});
  check_refused(run({"summary", "--config", "/dev/zero"}), 1, {"/dev/zero: it is a device"});
  refused(R"({"image-size": 1e400})", {file, "a number in it is too large"});
  write(file, "\xef\xbb\xbfmodel = mini\n");  // as some editors begin a file
  check_done(run({"summary", "--config", file, "--image-size", "32"}));
  check_refused(run({"summary", "--config", (folder / "none").string()}), 1, {(folder / "none").string()});
}

TEST_CASE("compare takes two runs, no more and no fewer") {
  check_refused(run({"compare", "one"}), 2, {"2 required but received 1"});
  check_refused(run({"compare", "one", "two", "three"}), 2, {"2 required but received 3"});
}

TEST_CASE("flags that would do nothing are refused, and nothing is made") {
  const TemporaryFolder folder;
  const std::string out = (folder / "run").string(), data = (folder / "").string();
  const Arguments train{"train", "--data", data, "--out", out, "--model", "mini"};
  check_refused(run(with(train, {"--sync-batch-norm"})), 2,
                {"--sync-batch-norm is of several processes, and this is one; start them by mpirun"});
  for (const char* command : {"demo", "ladder", "folds"}) {
    const Arguments own =
        command == std::string("demo") ? Arguments{"demo"} : Arguments{"experiment", command};
    check_refused(run(with(own, {"--data", data, "--out", out, "--sync-batch-norm"})), 2,
                  {"takes no --sync-batch-norm"});
    check_refused(run(with(own, {"--data", data, "--out", out, "--model", "mini", "--transfer", "exact"})), 2,
                  {"--transfer is of the phase transfer, and this run has scratch alone"});
  }
  check_refused(run(with(train, {"--transfer", "cached"})), 2,
                {"--transfer is of the phase transfer, and this run has scratch alone; leave it out"});
  check_refused(run(with(train, {"--transfer", "exact", "--phases", "scratch,finetune"})), 2,
                {"--transfer", "this run has scratch,finetune alone"});
  check_refused(run({"experiment", "table1", "--data", data, "--out", out, "--transfer", "exact"}), 2,
                {"--transfer is of the phase transfer", "--weights-folder"});
  const Arguments bench{"bench", "--model", "mini", "--image-size", "32", "--repeat", "1"};
  check_refused(run(with(bench, {"--roofline", (folder / "r.txt").string()})), 2,
                {"--roofline", "r.txt", "must end in .svg"});
  check_refused(run(with(bench, {"--data", data})), 2, {"--data belongs to --what data"});
  check_refused(run(with(bench, {"--attention", "cudnn", "--device", "auto"})), 2,
                {"--attention cudnn is of a classifier's training in 16 bits; leave it out"});
  const Arguments gan{"gan", "train", "--data", data, "--class", "benign", "--out", out};
  check_refused(run(with(gan, {"--attention", "cudnn", "--device", "auto"})), 2,
                {"--attention cudnn is of a classifier's training in 16 bits; leave it out"});
  CHECK(std::filesystem::is_empty(folder / ""));
  CHECK_FALSE(holds(run({"gan", "train", "--help"}).out, "--attention"));
  CHECK(holds(run({"gan", "train", "--help"}).out, "--batch-norm"));
  CHECK_FALSE(holds(run({"predict", "--help"}).out, "--batch-norm"));
  CHECK(holds(run({"train", "--help"}).out, "--attention"));
}

TEST_CASE("auto says without which of the gpu's flags it goes on with the cpu") {
  const Outcome outcome =
      run({"bench", "--model", "mini", "--image-size", "32", "--batch", "2", "--repeat", "1", "--what",
           "train", "--device", "auto", "--cuda-graph", "--tf32", "--json"});
  check_done(outcome);
  CHECK(lines(outcome.err).size() == 1);
  CHECK(holds(outcome.err, "going on with the cpu, without --tf32, --cuda-graph\n"));
  const auto found = nlohmann::json::parse(outcome.out);
  CHECK(found.at("cuda_graph") == false);
  CHECK(found.at("gpu_peak_mb").is_null());
}
