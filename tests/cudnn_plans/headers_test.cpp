// The numbers that the stand-ins' headers give to names are those of the real headers.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <string>

#include "base/file.h"

using namespace sonograd;

namespace {

// Every NAME = number of a text.
std::map<std::string, std::string> numbers(const std::string& text) {
  static const std::regex row(
      R"(\b(CU[A-Z0-9_]+[a-z]?|nccl[A-Z][A-Za-z0-9]+)(?: CUDNN_DEPRECATED_ENUM)?\s*=\s*(-?\d+))");
  std::map<std::string, std::string> found;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), row); match != std::sregex_iterator();
       ++match)
    found.emplace((*match)[1], (*match)[2]);
  return found;
}

std::string real_text(std::initializer_list<const char*> files) {
  std::string text;
  for (const std::filesystem::path folder : {CUDNN_INCLUDE_DIR, CUDA_INCLUDE_DIR})
    for (const char* file : files)
      if (std::filesystem::exists(folder / file)) text += read_file(folder / file);
  return text;
}

}  // namespace

TEST_CASE("the stand-ins' headers give names their real numbers") {
  const std::string include = SONOGRAD_SOURCE_DIR "/tests/gpu_standin/include/";
  const auto real = numbers(
      real_text({"cudnn_graph.h", "cudnn_ops.h", "cublas_api.h", "cublasLt.h", "library_types.h", "nccl.h"}));
  for (const char* header : {"cudnn.h", "cublasLt.h", "nccl.h"}) {
    if (std::string(header) == "nccl.h" && real.count("ncclSum") == 0) continue;  // it comes by itself
    const auto ours = numbers(read_file(include + header));
    CHECK(ours.size() > 8);
    for (const auto& each : ours) {
      CAPTURE(each.first);
      const auto found = real.find(each.first);
      REQUIRE(found != real.end());
      CHECK(each.second == found->second);
    }
  }
}
