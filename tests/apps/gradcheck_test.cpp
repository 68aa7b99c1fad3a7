#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "autograd/registry.h"

using nlohmann::json;

namespace {

struct Ended {
  int status;
  std::string out;
};

// Runs the program; stderr goes along with stdout where `with_errors`.
Ended run(const std::string& arguments, bool with_errors = false) {
  const std::string command =
      SONOGRAD_BINARY_DIR "/apps/sonograd " + arguments + (with_errors ? " 2>&1" : " 2>/dev/null");
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ended ended{0, ""};
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) ended.out.append(part, n);
  ended.status = WEXITSTATUS(pclose(pipe));
  return ended;
}

}  // namespace

TEST_CASE("gradcheck reports ops, layers and models as one JSON object") {
  const Ended ended = run("gradcheck --op relu matmul --layer dense --model mini --json");
  CHECK(ended.status == 0);
  const json found = json::parse(ended.out);
  CHECK(found["checked"] == 4);
  CHECK(found["failed"] == 0);
  REQUIRE(found["results"].size() == 4);
  for (const json& result : found["results"]) {
    CAPTURE(result["name"]);
    CHECK(result["ok"] == true);
    CHECK(result["tolerance"] == 1e-6);
    CHECK(result["max_error"] >= 0);
    CHECK(result["max_error"] < 1e-6);
  }
  CHECK(found["results"][0]["kind"] == "model");
}

TEST_CASE("gradcheck in f32 is possible when asked for") {
  const json found = json::parse(run("gradcheck --op matmul --f32 --json").out);
  CHECK(found["results"][0]["ok"] == true);
  CHECK(found["results"][0]["tolerance"] == 5e-3);
}

TEST_CASE("names that do not exist and an empty choice are bad usage, in one line") {
  const Ended unknown = run("gradcheck --op nosuchop", true);
  CHECK(unknown.status == 2);
  CHECK(unknown.out == "sonograd: no op is called nosuchop; `sonograd audit` lists them\n");
  CHECK(run("gradcheck --layer nosuch").status == 2);
  CHECK(run("gradcheck --model nosuch").status == 2);
  CHECK(run("gradcheck", true).out ==
        "sonograd: nothing to check; name it with --op, --layer or --model, or take --all\n");
}

TEST_CASE("the audit lists every op with its kernels and errors") {
  const Ended ended = run("audit --json");
  CHECK(ended.status == 0);
  const json ops = json::parse(ended.out)["ops"];
  CHECK(ops.size() == sonograd::registry().ops().size());
  for (const json& op : ops) {
    CAPTURE(op["name"]);
    CHECK(op["ok"] == true);
    CHECK(op["kernels"][0] == "reference");
    const std::string cpu = op["cpu"];
    CHECK((cpu == "yes" || cpu == "view" || cpu == "falls back"));
    CHECK((cpu == "yes") == op["error"].is_number());
  }
}
