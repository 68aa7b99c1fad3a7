// The rules of the house that a text search can check: docs/architecture.md states them.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path root = SONOGRAD_SOURCE_DIR;

// What a folder may include beside itself and what lies behind these in turn.
const std::map<std::string, std::set<std::string>> arrows{
    {"base", {}},
    {"tensor", {"base"}},
    {"autograd", {"tensor"}},
    {"ops", {"autograd"}},
    {"layers", {"ops"}},
    {"data", {"tensor"}},
    {"report", {"base"}},
    {"models/weights", {"tensor"}},
    {"models", {"layers", "models/weights"}},
    {"train", {"models", "data", "report"}},
    {"explain", {"models", "data", "report"}},
    {"gan", {"layers", "train", "data", "report"}},
};
std::string folder_of(const std::string& path) {
  if (path.rfind("models/weights/", 0) == 0) return "models/weights";
  return path.substr(0, path.find('/'));
}

void collect(const std::string& folder, std::set<std::string>& seen) {
  if (!seen.insert(folder).second) return;
  const auto found = arrows.find(folder);
  if (found == arrows.end()) return;
  for (const std::string& next : found->second) collect(next, seen);
}

// Why `file` may not include `header` (both from the root); empty where it may.
std::string wrong_include(const std::string& file, const std::string& header) {
  const std::string from = folder_of(file), to = folder_of(header);
  const std::string name = fs::path(file).filename().string();
  if (header.rfind("dnnl", 0) == 0 || header.rfind("oneapi/dnnl", 0) == 0) {
    const bool allowed = name.find(".cpu.cpp") != std::string::npos || file.rfind("tensor/onednn", 0) == 0;
    return allowed ? "" : file + " includes oneDNN's " + header + ": only *.cpu.cpp and tensor/onednn* may";
  }
  if (header.rfind("cuda", 0) == 0 || header.rfind("cudnn", 0) == 0 || header.rfind("cublas", 0) == 0) {
    const bool allowed = name.find(".gpu.") != std::string::npos || name.find(".cu") != std::string::npos ||
                         file.rfind("tensor/gpu/", 0) == 0 || file.rfind("tests/gpu_standin/", 0) == 0;
    return allowed ? "" : file + " includes CUDA's " + header + ": only *.gpu.cpp, *.cu and tensor/gpu/ may";
  }
  if (header == "mpi.h") {
    const bool allowed = file.rfind("train/distributed/mpi", 0) == 0;
    return allowed ? "" : file + " includes mpi.h: only train/distributed/mpi* may";
  }
  if (arrows.count(from) == 0 || arrows.count(to) == 0 || from == to) return "";
  std::set<std::string> reachable;
  collect(from, reachable);
  return reachable.count(to) > 0
             ? ""
             : file + " includes " + header + ": no arrow leads from " + from + " to " + to;
}

struct Source {
  std::string path;  // from the root, with /
  std::vector<std::string> lines;
};

// Sources of ours: what git would list, without build folders.
const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    std::vector<Source> found;
    for (auto walk = fs::recursive_directory_iterator(root); walk != fs::recursive_directory_iterator();
         ++walk) {
      const std::string name = walk->path().filename().string(), suffix = walk->path().extension().string();
      if (walk->is_directory() && (name == "build" || name == "shared" || name[0] == '.'))
        walk.disable_recursion_pending();
      if (!walk->is_regular_file()) continue;
      if (suffix != ".h" && suffix != ".cpp" && suffix != ".py" && suffix != ".cu") continue;
      std::ifstream file(walk->path());
      Source source{fs::relative(walk->path(), root).generic_string(), {}};
      for (std::string line; std::getline(file, line);) source.lines.push_back(line);
      found.push_back(std::move(source));
    }
    return found;
  }();
  return all;
}

std::vector<std::string> includes(const Source& source) {
  std::vector<std::string> headers;
  for (const std::string& line : source.lines) {
    if (line.rfind("#include", 0) != 0) continue;
    const std::size_t open = line.find_first_of("\"<"), close = line.find_last_of("\">");
    if (open != std::string::npos && close > open) headers.push_back(line.substr(open + 1, close - open - 1));
  }
  return headers;
}

const Source* find_source(const std::string& path) {
  const auto found = std::find_if(sources().begin(), sources().end(),
                                  [&](const Source& source) { return source.path == path; });
  return found == sources().end() ? nullptr : &*found;
}

// Types that the lines of a header define in a namespace, not in one another: what clang-format leaves at the
// line's begin. Forward declarations and specialisations define no name,
// and an alias may be repeated.
std::vector<std::string> types_defined(const std::vector<std::string>& lines) {
  static const std::regex space("namespace (\\w+) \\{"), end("\\}  // namespace \\w+");
  static const std::regex type("(?:struct|class|enum class|enum) (\\w+)(?: final)?(?: :| \\{| =).*");
  std::vector<std::string> found, within{""};
  std::smatch match;
  for (const std::string& line : lines) {
    if (std::regex_match(line, match, space)) within.push_back(match.str(1) + "::");
    if (std::regex_match(line, end)) within.pop_back();
    if (std::regex_match(line, match, type)) found.push_back(within.back() + match.str(1));
  }
  return found;
}

// Layers, but not their samples, which are run; and of models/ the heads and the files of each family, whose
// header gives a backbone.
bool defines_a_network(const std::string& file) {
  const std::string stem = file.substr(0, file.find('.'));
  if (folder_of(file) == "layers") return stem != "layers/samples";
  if (folder_of(file) != "models") return false;
  const Source* const header = find_source(stem + ".h");
  if (!header) return false;
  const std::vector<std::string> list = includes(*header);
  return stem == "models/heads" || std::count(list.begin(), list.end(), "models/backbone.h") == 1;
}

// Why the line may not stand in such a file; empty where it may.
std::string wrong_in_network(const std::string& file, const std::string& line) {
  if (line.find("Device") != std::string::npos)
    return file + " names a device, which is for whoever runs it to choose";
  if (line.find("models/weights/") != std::string::npos)
    return file + " reaches for weight files, which models/model_file.h reads for all models";
  return "";
}

}  // namespace

TEST_CASE("includes follow the arrows of the architecture") {
  CHECK(sources().size() > 50);
  for (const Source& source : sources())
    for (const std::string& header : includes(source)) CHECK(wrong_include(source.path, header) == "");
}

TEST_CASE("the arrows' rules tell right from wrong") {
  CHECK(wrong_include("ops/conv2d/conv2d.h", "autograd/apply.h") == "");
  CHECK(wrong_include("layers/dense.h", "tensor/shape.h") == "");
  CHECK(wrong_include("apps/train.cpp", "ops/conv2d/conv2d.h") == "");
  CHECK(wrong_include("report/table.cpp", "base/error.h") == "");
  CHECK(wrong_include("ops/conv2d/conv2d.cpu.cpp", "dnnl.hpp") == "");
  CHECK(wrong_include("tensor/tensor.cpp", "autograd/tape.h") ==
        "tensor/tensor.cpp includes autograd/tape.h: no arrow leads from tensor to autograd");
  for (const auto& [file, header] :
       std::vector<std::pair<std::string, std::string>>{{"report/table.cpp", "tensor/tensor.h"},
                                                        {"ops/conv2d/conv2d.h", "layers/dense.h"},
                                                        {"layers/dense.h", "models/zoo.h"},
                                                        {"data/folder.cpp", "autograd/tape.h"},
                                                        {"models/weights/h5.cpp", "layers/layer.h"},
                                                        {"train/fit.cpp", "explain/gradcam.h"},
                                                        {"ops/conv2d/conv2d.cpp", "dnnl.hpp"},
                                                        {"models/zoo.cpp", "cuda_runtime.h"},
                                                        {"train/fit.cpp", "mpi.h"}})
    CHECK(wrong_include(file, header) != "");
}

TEST_CASE("our own headers are included from the root and exist") {
  for (const Source& source : sources())
    for (const std::string& line : source.lines)
      if (line.rfind("#include \"", 0) == 0) {
        const std::string header = line.substr(10, line.find('"', 10) - 10);
        INFO(source.path << " includes " << header);
        CHECK(fs::exists(root / header));
      }
}

TEST_CASE("no source file is longer than 400 lines") {
  for (const Source& source : sources()) {
    INFO(source.path);
    CHECK(source.lines.size() <= 400);
  }
}

TEST_CASE("an op's folder holds its page, its registration and its derivation") {
  for (const auto& entry : fs::directory_iterator(root / "ops")) {
    if (!entry.is_directory()) continue;
    const std::string op = entry.path().filename().string();
    for (const std::string suffix : {".h", ".cpp", ".md"}) {
      INFO("ops/" << op << "/" << op << suffix
                  << " is missing: CONTRIBUTING.md, \"Add an op\", says what it holds");
      CHECK(fs::exists(entry.path() / (op + suffix)));
    }
  }
}

TEST_CASE("header files guard themselves and name no namespace for others") {
  for (const Source& source : sources()) {
    if (fs::path(source.path).extension() != ".h") continue;
    INFO(source.path);
    CHECK(std::count(source.lines.begin(), source.lines.end(), "#pragma once") == 1);
    CHECK(std::none_of(source.lines.begin(), source.lines.end(),
                       [](const std::string& line) { return line.rfind("using namespace", 0) == 0; }));
  }
}

TEST_CASE("no two headers define a type of one name in one namespace") {
  std::map<std::string, std::string> defined;  // namespace::Name → header
  for (const Source& source : sources()) {
    if (fs::path(source.path).extension() != ".h") continue;
    for (const std::string& type : types_defined(source.lines)) {
      const auto placed = defined.emplace(type, source.path);
      INFO(type << " is defined in " << placed.first->second << " and in " << source.path);
      CHECK(placed.second);
    }
  }
  CHECK(defined.size() > 150);
  CHECK(types_defined({"namespace sonograd {", "struct Later;", "struct Pair {", "  struct Inner {", "};",
                       "using Int = std::int64_t;", "using std::max;", "template <class T>",
                       "class Op final : public AnyOp {", "struct Hash<Pair> {", "namespace pool {",
                       "enum class Pair { a };", "}  // namespace pool", "enum Late {"}) ==
        std::vector<std::string>{"sonograd::Pair", "sonograd::Op", "pool::Pair", "sonograd::Late"});
}

TEST_CASE("a model file holds no weight loading and no device, a layer neither") {
  std::set<std::string> looked_at;
  for (const Source& source : sources()) {
    if (!defines_a_network(source.path)) continue;
    looked_at.insert(source.path);
    for (const std::string& line : source.lines) CHECK(wrong_in_network(source.path, line) == "");
  }
  for (const char* path : {"layers/conv.h", "layers/batch_norm.cpp", "models/efficientnet.cpp",
                           "models/vit.h", "models/heads.cpp"})
    CHECK(looked_at.count(path) == 1);
}

TEST_CASE("the rules for models and layers tell right from wrong") {
  CHECK(wrong_in_network("models/vit.cpp", "  return multiply(x, scalar_like(x, 2));") == "");
  CHECK(wrong_in_network("layers/input_scaling.cpp", "Tensor::of({3}, factors, x.dtype(), x.device())") ==
        "");
  CHECK(wrong_in_network("layers/dense.h", "Tensor::zeros({3}, DType::f32, Device::reference)") ==
        "layers/dense.h names a device, which is for whoever runs it to choose");
  CHECK(wrong_in_network("models/vit.cpp", "#include \"models/weights/npz.h\"") ==
        "models/vit.cpp reaches for weight files, which models/model_file.h reads for all models");
  CHECK(!defines_a_network("layers/samples.cpp"));
  CHECK(!defines_a_network("models/model_file.cpp"));
  CHECK(!defines_a_network("models/weights/npz.h"));
}

TEST_CASE("names of files are snake_case, and nothing is called helper, manager, utils or common") {
  for (const Source& source : sources()) {
    INFO(source.path);
    if (source.path.rfind("tests/gpu_standin/include/", 0) == 0) continue;  // NVIDIA's names
    const std::string name = fs::path(source.path).filename().string();
    CHECK(std::none_of(name.begin(), name.end(), [](char c) { return c == '-' || ('A' <= c && c <= 'Z'); }));
    for (const char* word : {"helper", "manager", "utils", "common", "impl."})
      CHECK(name.find(word) == std::string::npos);
  }
}
