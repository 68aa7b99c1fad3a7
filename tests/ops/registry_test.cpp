#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "base/file.h"
#include "ops/unary/functions.h"
#include "tests/expect_ok.h"

using namespace sonograd;

TEST_CASE("every op keeps what registering it promises") {
  for (const auto& entry : registry().ops()) {
    const OpEntry& op = entry.second;
    CAPTURE(op.name);
    expect_ok(check_op(op));
  }
}

TEST_CASE("every folder under ops registers at least one op, and each op is documented by samples") {
  std::set<std::string> there, built;
  for (const auto& entry : std::filesystem::directory_iterator(SONOGRAD_SOURCE_DIR "/ops"))
    if (entry.is_directory()) there.insert(entry.path().filename().string());
  for (const OpFolder& folder : op_folders()) {
    CAPTURE(folder.name);
    built.insert(folder.name);
    Registry of_folder;
    folder.add(of_folder);
    CHECK(!of_folder.ops().empty());
    for (const auto& op : of_folder.ops()) CHECK(registry().ops().count(op.first) == 1);
  }
  CHECK(built == there);
  for (const auto& entry : registry().ops()) {
    const OpEntry& op = entry.second;
    CAPTURE(op.name);
    CHECK(!op.good.empty());
    CHECK(!op.bad.empty());
    bool gradient_sample = false;
    for (const Sample& sample : op.good) gradient_sample = gradient_sample || sample.gradient;
    CHECK((gradient_sample || !op.has_vjp));
  }
}

TEST_CASE("ops/unary/unary.md, the page of the elementwise functions, has a row for each") {
  const std::string page = read_file(SONOGRAD_SOURCE_DIR "/ops/unary/unary.md");
  const auto has_row = [&](const std::string& name) {
    CAPTURE(name);
    CHECK((page.find("\n| " + name + ": ") != std::string::npos ||
           page.find("\n| " + name + " |") != std::string::npos));
  };
  std::apply([&](auto... function) { (has_row(function.name), ...); }, UnaryFunctions{});
}
