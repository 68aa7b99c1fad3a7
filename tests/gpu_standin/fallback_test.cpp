// The program where cuDNN has no engine for a convolution: it says so once, and in what it leaves behind.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

using namespace program;
using nlohmann::json;

TEST_CASE("convolutions without an engine of cuDNN are told on stderr once, and counted beside the device") {
  const Arguments bench{"bench",        "--what", "train",   "--repeat", "1",        "--model", "mini",
                        "--image-size", "32",     "--batch", "2",        "--device", "gpu",     "--json"};
  for (const bool engines : {true, false}) {
    CAPTURE(engines);
    const Arguments launcher{"/usr/bin/env", "STANDIN_NO_ENGINES=1"};
    const Outcome outcome = run(bench, {.launcher = engines ? Arguments{} : launcher});
    check_done(outcome);
    const std::string told =
        "sonograd: cuDNN had no engine, or a slow one alone, for 2 convolutions, computed as products of "
        "matrices: conv2d of x [2,32,32,3] and w [3,3,3,8], padded "
        "(0,1)×(0,1) and others\n";
    CHECK(outcome.err == (engines ? "" : told));
    const std::string device = json::parse(outcome.out).at("device");
    CHECK(times(", 2 convolutions as products of matrices", device) == (engines ? 0 : 1));
  }
}
