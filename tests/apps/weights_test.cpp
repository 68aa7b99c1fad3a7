#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/weights/safetensors.h"

using namespace sonograd;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::path(SONOGRAD_BINARY_DIR) / fmt::format("weights_test.{}", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

struct Ended {
  int status;
  std::string out, errors;
};

Ended run(const Folder& folder, const std::string& arguments) {
  const std::string errors = (folder.path / "stderr").string();
  const std::string command = fmt::format("cd '{}' && '{}/apps/sonograd' {} 2>'{}'", folder.path.string(),
                                          SONOGRAD_BINARY_DIR, arguments, errors);
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ended ended{0, "", ""};
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) ended.out.append(part, n);
  ended.status = WEXITSTATUS(pclose(pipe));
  ended.errors = read_file(errors);
  return ended;
}

}  // namespace

TEST_CASE("weights are listed, taken to Keras' format and back without a change") {
  const Folder folder;
  REQUIRE(run(folder, "init --model efficientnetb0 --out a.safetensors").status == 0);
  const json listed = json::parse(run(folder, "weights list a.safetensors --json").out);
  CHECK(listed["format"] == "safetensors");
  CHECK(listed["facts"]["model"] == "efficientnetb0");
  CHECK(listed["tensors"].size() == 314);
  CHECK(listed["tensors"][3] ==
        json{{"name", "stem_conv.kernel"}, {"dtype", "F32"}, {"shape", {3, 3, 3, 32}}});

  const Ended there = run(folder, "weights convert a.safetensors b.weights.h5 --json");
  CHECK(there.status == 0);
  CHECK(json::parse(there.out) == json{{"mapped", 314},
                                       {"transposed", 0},
                                       {"unused", json::array()},
                                       {"missing", json::array()},
                                       {"mismatched", json::array()},
                                       {"left_out", json::array()},
                                       {"resized", json::array()}});
  CHECK(json::parse(run(folder, "weights list b.weights.h5 --json").out)["facts"] == listed["facts"]);
  REQUIRE(run(folder, "weights convert a.safetensors b.h5").status == 0);
  CHECK(json::parse(run(folder, "weights list b.h5 --json").out)["format"] == "legacy Keras .h5");
  REQUIRE(run(folder, "weights convert a.safetensors b.npz").status == 0);

  const WeightFile original = read_weights(folder.path / "a.safetensors");
  const StoredTensors& before = original.tensors;
  for (const std::string file : {"b.weights.h5", "b.h5", "b.npz"}) {
    CAPTURE(file);
    const Ended back = run(folder, "weights convert " + file + " c.safetensors --model efficientnetb0");
    CHECK(back.status == 0);
    CHECK(back.out == "mapped 314, transposed 0, unused 0, missing 0, of another shape 0, left out 0\n");
    const WeightFile after = read_weights(folder.path / "c.safetensors");
    CHECK((read_file(folder.path / "c.safetensors") == read_file(folder.path / "a.safetensors")));
    CHECK(after.facts == original.facts);
    REQUIRE(after.tensors.size() == before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(after.tensors[i].name == before[i].name);
      CHECK(after.tensors[i].read().values() == before[i].read().values());
    }
  }
}

TEST_CASE("weights go under timm's names and come back; what timm does not have is refused") {
  const Folder folder;
  REQUIRE(run(folder, "init --model efficientnetb0 --out a.safetensors").status == 0);
  REQUIRE(run(folder, "weights convert a.safetensors b.safetensors --names timm").status == 0);
  const json listed = json::parse(run(folder, "weights list b.safetensors --json").out);
  CHECK(listed["tensors"].size() == 311);
  CHECK(listed["tensors"][0] ==
        json{{"name", "conv_stem.weight"}, {"dtype", "F32"}, {"shape", {32, 3, 3, 3}}});
  const json back = json::parse(run(folder, "weights convert b.safetensors c.safetensors --json").out);
  CHECK(back["mapped"] == 314);
  CHECK(back["transposed"] == 82);
  CHECK(read_file(folder.path / "c.safetensors") == read_file(folder.path / "a.safetensors"));

  REQUIRE(run(folder, "init --model mini --out mini.safetensors").status == 0);
  const Ended mini = run(folder, "weights convert mini.safetensors x.safetensors --names timm");
  CHECK(mini.out.empty());
  CHECK(mini.errors ==
        "sonograd: cannot write x.safetensors: timm has no place for tensor \"batch_normalization.gamma\"; "
        "keep "
        "our names\n");
  CHECK(run(folder, "weights convert a.safetensors x.h5 --names timm").status == 1);
  CHECK_FALSE(fs::exists(folder.path / "x.safetensors"));
}

TEST_CASE("DenseNet's names are timm's and torchvision's") {
  const Folder folder;
  REQUIRE(run(folder, "init --model densenet121 --out a.safetensors").status == 0);
  for (const std::string names : {"timm", "torchvision"})
    CHECK(
        run(folder, fmt::format("weights convert a.safetensors {0}.safetensors --names {0}", names)).errors ==
        "");
  const std::string timm = read_file(folder.path / "timm.safetensors");
  CHECK((read_file(folder.path / "torchvision.safetensors") == timm));
  CHECK(timm.find("features.denseblock4.denselayer16.norm2.running_var") != std::string::npos);
  CHECK(run(folder, "weights convert timm.safetensors b.safetensors").out ==
        "mapped 606, transposed 121, unused 0, missing 0, of another shape 0, left out 0\n");
}

TEST_CASE("weights names prints a line or an object for each tensor of each dialect") {
  const Folder folder;
  const std::string lines = run(folder, "weights names vit_b16").out;
  CHECK(lines.find("\ntimm\tdense.kernel\thead.weight\toi\n") != std::string::npos);
  const json told = json::parse(run(folder, "weights names vit_b16 --json").out);
  CHECK(told["model"] == "vit_b16");
  CHECK(told["dialects"].size() == 5);
  CHECK(told["dialects"]["timm"].back() ==
        json{{"name", "dense.bias"}, {"theirs", "head.bias"}, {"layout", ""}});
  std::size_t rows = 0;
  for (const json& dialect : told["dialects"]) rows += dialect.size();
  CHECK(rows == static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n')));
}

TEST_CASE("a file that does not fit is reported, refused and writes nothing, unless partial") {
  const Folder folder;
  REQUIRE(run(folder, "init --model mini --out mini.safetensors").status == 0);
  StoredTensors tensors = read_weights(folder.path / "mini.safetensors").tensors;
  const std::string gone = tensors.back().name;
  tensors.back() = stored("extra", Tensor::zeros({1}));
  write_safetensors(folder.path / "x.safetensors", tensors, {});

  const Ended strict = run(folder, "weights convert x.safetensors y.safetensors --model mini --json");
  CHECK(strict.status == 1);
  CHECK(json::parse(strict.out)["missing"] == json::array({gone}));
  CHECK(json::parse(strict.out)["unused"] == json::array({"extra"}));
  CHECK(strict.errors.rfind("sonograd: x.safetensors does not fit mini: ", 0) == 0);
  CHECK(strict.errors.find('\n') == strict.errors.size() - 1);
  CHECK_FALSE(fs::exists(folder.path / "y.safetensors"));

  CHECK(run(folder, "weights convert x.safetensors y.safetensors --model mini --partial").status == 0);
  CHECK(read_weights(folder.path / "y.safetensors").tensors.size() == tensors.size() - 1);

  const Ended other = run(folder, "weights convert mini.safetensors y.safetensors --model efficientnetb0");
  CHECK(other.status == 1);
  CHECK(other.errors ==
        "sonograd: mini.safetensors says model mini, but --model is efficientnetb0; leave the flag out, or "
        "choose "
        "another file\n");
}

TEST_CASE("bad input to weights is one line") {
  const Folder folder;
  REQUIRE(run(folder, "init --model mini --out mini.safetensors").status == 0);
  write_file_atomically(folder.path / "short", read_file(folder.path / "mini.safetensors").substr(0, 1000));
  write_safetensors(folder.path / "bare", {stored("a", Tensor::zeros({1}))}, {});
  write_safetensors(folder.path / "bad", {stored("a", Tensor::zeros({1}))},
                    {{"model", "mini"}, {"image_size", "-"}});
  const auto refused = [&](const std::string& arguments, int status, const std::string& errors) {
    CAPTURE(arguments);
    const Ended ended = run(folder, arguments);
    CHECK(ended.status == status);
    CHECK(ended.out.empty());
    CHECK(ended.errors.rfind("sonograd: " + errors, 0) == 0);
    CHECK(ended.errors.find('\n') == ended.errors.size() - 1);
  };
  refused("weights list none", 1, "cannot read none: No such file or directory; check the path");
  refused("weights list short", 1, "cannot read short: ");
  refused("weights convert short x.safetensors", 1, "cannot read short: ");
  refused("weights", 2, "");
  refused("weights list", 2, "");
  refused("weights convert mini.safetensors x.safetensors --names keras3", 2, "--names: ");
  refused("weights convert bare x.safetensors", 2, "which model? bare does not say, so give --model");
  refused("weights convert bad x.safetensors", 1, "bad: its image_size is \"-\", which is no size");
  const Ended other = run(folder, "weights convert mini.safetensors x.bin");
  CHECK(other.status == 1);
  CHECK(other.errors ==
        "sonograd: cannot write x.bin: its suffix names no format; end the name in .safetensors, .weights.h5 "
        "(Keras 3), .keras (Keras 3), .h5 (legacy Keras) or .npz (NumPy)\n");
}
