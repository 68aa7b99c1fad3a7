#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
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

// The records of a source file that are layers, by the names of their structs; each states it as its kind.
std::vector<std::string> layers_in(const std::filesystem::path& source) {
  static const std::regex record(R"(^(?:struct|class) (\w+))"),
      kind(R"(^ +static constexpr auto kind = (.*);)");
  std::vector<std::string> found;
  std::string name;
  std::smatch match;
  std::ifstream file(source);
  for (std::string line; std::getline(file, line);) {
    if (std::regex_search(line, match, record)) name = match[1];
    if (!std::regex_search(line, match, kind)) continue;
    INFO(source);
    CHECK(match[1] == '"' + name + '"');
    found.push_back(name);
  }
  return found;
}

TEST_CASE("every layer of the project has a sample") {
  std::set<std::string> sampled, written;
  for (const LayerSample& sample : layer_samples()) sampled.emplace(sample.layer.kind());
  for (const char* folder : {"layers", "models", "gan", "train", "explain", "apps"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(SONOGRAD_SOURCE_DIR "/" + std::string(folder)))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp")
        for (const std::string& layer : layers_in(entry.path())) {
          CAPTURE(layer);
          CHECK(written.insert(layer).second);  // no two layers share a name, and so a sample
          CHECK(sampled.count(layer) == 1);
        }
  CHECK(written == sampled);
}

TEST_CASE("the gradient of a small model is right") {
  const GradcheckResult result = check_model("mini");
  INFO(result.text);
  CHECK(result.ok);
  CHECK(result.max_error < 1e-6);
}
