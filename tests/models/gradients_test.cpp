#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "layers/samples.h"
#include "models/check_model.h"

using namespace sonograd;

TEST_CASE("the gradient of every layer is right, in its input and all of its parameters") {
  for (const LayerSample& sample : layer_samples()) {
    CAPTURE(sample.name);
    const GradcheckResult result = check_layer(sample);
    INFO(result.text);
    CHECK(result.ok);
    CHECK(result.max_error < result.tolerance);
  }
}

TEST_CASE("every kind of layer has a sample") {
  std::set<std::string> sampled;
  for (const LayerSample& sample : layer_samples()) sampled.emplace(sample.layer.kind());
  std::size_t kinds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SONOGRAD_SOURCE_DIR "/layers")) {
    if (entry.path().extension() != ".h" || entry.path().filename() == "layer.h") continue;
    std::ifstream file(entry.path());
    const std::string mark = "static constexpr auto kind = \"";
    for (std::string line; std::getline(file, line);) {
      const std::size_t at = line.find(mark);
      if (at == std::string::npos) continue;
      const std::string kind =
          line.substr(at + mark.size(), line.find('"', at + mark.size()) - at - mark.size());
      CAPTURE(kind);
      CHECK(sampled.count(kind) == 1);
      ++kinds;
    }
  }
  CHECK(kinds >= 8);
}

TEST_CASE("the gradient of a small model is right") {
  const GradcheckResult result = check_model("mini");
  INFO(result.text);
  CHECK(result.ok);
  CHECK(result.max_error < 1e-6);
}
