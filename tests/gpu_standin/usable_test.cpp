// The program on machines whose gpu it cannot use: it says why, and with --device auto goes on with the cpu.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

using namespace program;
using nlohmann::json;

namespace {

// On a machine that the stand-in is told of by a variable of the environment.
Outcome run_on(const std::string& machine, const Arguments& arguments) {
  return run(arguments, {.launcher = {"/usr/bin/env", machine}});
}

}  // namespace

TEST_CASE("a gpu that cannot be used is an error that says why, and auto goes on with the cpu") {
  const Arguments summary{"summary", "--model", "mini", "--image-size", "32", "--json", "--device"};
  check_done(run(with(summary, {"gpu"})));
  const std::pair<const char*, const char*> machines[] = {
      {"STANDIN_GPUS=0", "the NVIDIA driver sees no gpu"},
      {"STANDIN_KERNELS=209",
       "this build has no kernels for compute capability 8.0; build with CUDAARCHS=80"},
      {"STANDIN_KERNELS=222", "the NVIDIA driver is too old for its PTX"},
      {"STANDIN_ABSENT=libcudnn.so.9", "libcudnn.so.9 cannot be opened"},
      {"STANDIN_ABSENT=libcublasLt.so.13", "libcublasLt.so.13 cannot be opened"},
      {"STANDIN_CUDNN=91300", "cuDNN is of version 91300; 9.13.1 or a later 9 is needed"},
      {"STANDIN_CUDNN_CUDA=12090", "cuDNN is the one for CUDA 12; the one for CUDA 13 is needed"}};
  for (const auto& machine : machines) {
    CAPTURE(machine.first);
    check_refused(run_on(machine.first, with(summary, {"gpu"})), 1,
                  {"--device gpu: ", machine.second, "; use --device cpu"});
    const Outcome automatic = run_on(machine.first, with(summary, {"auto"}));
    check_done(automatic);
    CHECK(lines(automatic.err).size() == 1);
    CHECK(automatic.err.find(machine.second) != std::string::npos);
    CHECK(automatic.err.find(", going on with the cpu\n") != std::string::npos);
    CHECK(json::accept(automatic.out));
  }
  check_done(run_on("STANDIN_ABSENT=libnccl.so.2", with(summary, {"gpu"})));  // several gpus' alone
}

TEST_CASE("a run that auto put on the cpu says so and why in its manifest, and one on the gpu does not") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  check_done(run({"data", "phantom", data, "--count", "30", "--size", "32"}));
  const auto device_of = [&](const std::string& machine, const std::string& name) -> std::string {
    check_done(run_on(
        machine, {"train", "--data", data, "--out", (folder / name).string(), "--model", "mini",
                  "--image-size", "32", "--batch", "8", "--epochs", "1", "--device", "auto", "--quiet"}));
    return json::parse(bytes_of(folder / name / "manifest.json")).at("device");
  };
  CHECK(device_of("STANDIN_KERNELS=209", "cpu") ==
        "cpu, as this build has no kernels for compute capability 8.0; build with CUDAARCHS=80");
  CHECK(device_of("STANDIN_ABSENT=libcudnn.so.9", "too").find("cpu, as libcudnn.so.9 cannot be opened") == 0);
  CHECK(device_of("STANDIN_GPUS=1", "gpu").find("gpu: stand-in") == 0);
}
