#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "autograd/registry.h"
#include "tests/apps/program.h"

using namespace program;
using nlohmann::json;

TEST_CASE("gradcheck reports ops, layers and models as one JSON object") {
  const Outcome ended =
      run({"gradcheck", "--op", "relu", "matmul", "--layer", "dense", "--model", "mini", "--json"});
  CHECK(ended.status == 0);
  const json found = json::parse(ended.out);
  CHECK(found["checked"] == 5);
  CHECK(found["failed"] == 0);
  REQUIRE(found["results"].size() == 5);
  for (const json& result : found["results"]) {
    CAPTURE(result["name"]);
    CHECK(result["ok"] == true);
    CHECK(result["tolerance"] == 1e-6);
    CHECK(result["max_error"] >= 0);
    CHECK(result["max_error"] < 1e-6);
  }
  CHECK(found["results"][0]["kind"] == "model");
  CHECK(found["results"][1]["name"] == "relu");
  CHECK(found["results"][2]["name"] == "relu_grad");  // the op of its gradient comes along
}

TEST_CASE("gradcheck in f32 is possible when asked for") {
  const json found = json::parse(run({"gradcheck", "--op", "matmul", "--f32", "--json"}).out);
  CHECK(found["results"][0]["ok"] == true);
  CHECK(found["results"][0]["tolerance"] == 5e-3);
}

TEST_CASE("names that do not exist and an empty choice are bad usage, in one line") {
  check_refused(run({"gradcheck", "--op", "nosuchop"}), 2,
                {"no op is called nosuchop; `sonograd audit` lists them"});
  check_refused(run({"gradcheck", "--op", "Conv2D"}), 2, {"did you mean conv2d?"});
  check_refused(run({"gradcheck", "--layer", "nosuch"}), 2, {"nosuch"});
  check_refused(run({"gradcheck", "--model", "nosuch"}), 2, {"nosuch"});
  check_refused(run({"gradcheck"}), 2, {"nothing to check", "--op, --layer or --model", "--all"});
}

TEST_CASE("the audit lists every op with its kernels and errors") {
  const Outcome ended = run({"audit", "--json"});
  CHECK(ended.status == 0);
  const json found = json::parse(ended.out), &ops = found["ops"];
  CHECK(found["devices"] == json{"reference", "cpu"});
  CHECK(ops.size() == sonograd::registry().ops().size());
  for (const json& op : ops) {
    CAPTURE(op["name"]);
    CHECK(op["ok"] == true);
    CHECK(op["kernels"][0] == "reference");
    const std::string cpu = op["cpu"];
    CHECK((cpu == "yes" || cpu == "view" || cpu == "falls back"));
    CHECK((cpu == "yes") == op["error"].is_number());
    CHECK_FALSE(op.contains("gpu"));
  }
}

TEST_CASE("gradcheck and audit take the device up to which ops are checked") {
  const auto checks = [](const char* device) {
    const json found = json::parse(run({"gradcheck", "--op", "relu", "--device", device, "--json"}).out);
    std::string names;
    for (const json& check : found.at("results").at(0).at("checks"))
      names += check.at("check").get<std::string>() + ";";
    return names;
  };
  CHECK(checks("reference").find(" on cpu") == std::string::npos);
  CHECK(checks("cpu").find("values on cpu;") != std::string::npos);
  CHECK(checks("cpu").find(" on gpu") == std::string::npos);
  check_refused(run({"gradcheck", "--op", "relu", "--device", "gpu"}), 1,
                {"--device gpu", "use --device cpu"});
  check_refused(run({"audit", "--device", "gpu"}), 1, {"--device gpu", "use --device cpu"});
  check_refused(run({"gradcheck", "--model", "mini", "--device", "gpu"}), 2, {"--device gpu is for ops"});
}
